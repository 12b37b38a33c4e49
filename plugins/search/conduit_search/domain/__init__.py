"""Queries, words, highlights and the use cases of search."""
