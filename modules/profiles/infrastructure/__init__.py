"""The follow repository and the profile reader."""
