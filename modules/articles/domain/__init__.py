"""The rules of articles."""
