"""Articles, their tags and favorites, and the feed."""
