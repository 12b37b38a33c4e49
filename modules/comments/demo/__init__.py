"""The comments of a demonstration."""
