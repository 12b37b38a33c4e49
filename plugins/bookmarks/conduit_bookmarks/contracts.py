"""What other modules may know of bookmarks: nothing yet."""
