"""How comments are kept."""
