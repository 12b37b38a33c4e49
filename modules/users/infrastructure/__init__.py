"""Repositories, password hashing, tokens and login rate limits."""
