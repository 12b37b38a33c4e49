"""What other modules may know of search: nothing yet."""
