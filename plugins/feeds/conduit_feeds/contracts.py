"""What other modules may know of feeds: nothing yet."""
