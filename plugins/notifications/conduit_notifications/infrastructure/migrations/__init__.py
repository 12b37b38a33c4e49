"""Alembic revisions of the tables of this module."""
