"""The domain of comments."""
