"""Routes and wire schemas of profiles."""
