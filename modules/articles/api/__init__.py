"""The routes of articles, favourites and tags."""
