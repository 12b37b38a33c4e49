"""Atom and JSON Feed: new articles for feed readers."""
