"""Demonstration data: what the modules share while each creates its part."""
