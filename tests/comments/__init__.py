"""Tests of modules/comments."""
