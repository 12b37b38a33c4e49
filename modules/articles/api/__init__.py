"""The routes of articles, favorites and tags."""
