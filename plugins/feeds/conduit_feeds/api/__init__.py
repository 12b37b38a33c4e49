"""The routes of feeds, and their two formats."""
