"""What is found, and what is shown of it."""
