"""Tests of conduit_devtools/scaffold."""
