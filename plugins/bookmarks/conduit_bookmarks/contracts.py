"""The contracts of bookmarks: none yet."""
