"""The index, on either engine."""
