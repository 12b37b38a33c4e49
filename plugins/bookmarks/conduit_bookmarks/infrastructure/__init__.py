"""How bookmarks are kept."""
