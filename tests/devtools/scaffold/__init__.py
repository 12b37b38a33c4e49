"""Tests of conduit_devtools/scaffold: what it refuses, and that what it writes passes every check."""
