"""Demonstration data: what the modules share while each makes its own part of it."""
