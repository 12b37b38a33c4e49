"""What modules share below: the database, its schemas and the event bus."""
