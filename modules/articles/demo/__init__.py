"""The articles of a demonstration."""
