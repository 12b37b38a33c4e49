"""Tests of modules/users."""
