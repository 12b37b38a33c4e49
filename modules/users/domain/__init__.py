"""Account rules and use cases."""
