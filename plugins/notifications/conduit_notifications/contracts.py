"""What other modules may know of notifications: nothing yet."""
