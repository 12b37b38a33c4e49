"""What is in a feed."""
