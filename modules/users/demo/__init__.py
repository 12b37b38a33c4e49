"""The users of a demonstration."""
