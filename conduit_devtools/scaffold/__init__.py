"""`conduit new-module`: writes a small module that is complete, to begin from."""
