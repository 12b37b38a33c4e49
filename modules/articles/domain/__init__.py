"""The domain of articles."""
