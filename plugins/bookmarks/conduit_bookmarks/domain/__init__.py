"""The rules of the reading list."""
