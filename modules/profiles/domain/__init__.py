"""Use cases of profiles."""
