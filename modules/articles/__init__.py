"""Articles, their tags and favourites, and the feed."""
