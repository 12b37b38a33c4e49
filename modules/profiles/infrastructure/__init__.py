"""How follows are kept and profiles are read."""
