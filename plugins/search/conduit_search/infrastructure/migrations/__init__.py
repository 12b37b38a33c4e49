"""Alembic revisions of the table of this module."""
