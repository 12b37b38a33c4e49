"""Articles that readers want to come back to: each reader's reading list."""
