"""Pages of Conduit's own, for people who build on it."""
