"""The routes of the reading list."""
