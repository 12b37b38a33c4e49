"""The rules of following."""
