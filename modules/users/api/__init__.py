"""Routes and wire schemas of users."""
