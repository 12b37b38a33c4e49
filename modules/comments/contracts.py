"""What other modules may know of comments: nothing yet."""
