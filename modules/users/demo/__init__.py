"""Demo users."""
