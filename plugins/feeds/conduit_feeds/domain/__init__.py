"""The content of feeds."""
