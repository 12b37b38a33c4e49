"""`conduit demo`: what a person finds in a demonstration, and when there can be none."""
