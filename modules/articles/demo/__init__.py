"""Demo articles."""
