"""Alembic revisions of the table of the kernel."""
