"""How articles are kept and read."""
