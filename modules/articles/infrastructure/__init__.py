"""Articles in the database."""
