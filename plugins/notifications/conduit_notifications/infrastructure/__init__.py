"""How notifications are kept, and how streams learn of new ones."""
