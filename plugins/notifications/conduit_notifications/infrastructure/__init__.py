"""The repository, streams and settings of notifications."""
