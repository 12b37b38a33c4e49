"""Domain types that all modules share: errors, identity, events, text, time and pagination."""
