"""Alembic revisions of the kernel's tables."""
