"""Tests of modules/profiles."""
