"""Tests of modules/kernel."""
