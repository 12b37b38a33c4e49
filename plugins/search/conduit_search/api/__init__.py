"""The route of search."""
