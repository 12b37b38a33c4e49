"""The contracts of feeds: none yet."""
