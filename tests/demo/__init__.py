"""Tests of `conduit demo`."""
