"""The full-text index, on either engine."""
