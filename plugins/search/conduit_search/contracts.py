"""The contracts of search: none yet."""
