"""Tests of the benchmarks: that they run, and their reports."""
