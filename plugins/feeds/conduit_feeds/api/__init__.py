"""The routes and formats of feeds."""
