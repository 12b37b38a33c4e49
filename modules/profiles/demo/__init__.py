"""The follows of a demonstration."""
