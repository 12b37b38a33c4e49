"""The routes of comments."""
