"""The table and repository of bookmarks."""
