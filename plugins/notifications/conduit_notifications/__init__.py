"""Notifications of comments and favorites, listed and streamed."""
