"""The routes of profiles."""
