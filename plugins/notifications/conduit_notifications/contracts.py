"""The contracts of notifications: none yet."""
