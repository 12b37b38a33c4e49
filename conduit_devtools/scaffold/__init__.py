"""`conduit new-module`: generates a small, complete module to start from."""
