"""The Alembic environment of the modules' revisions."""
