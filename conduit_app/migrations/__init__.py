"""The modules' Alembic migrations."""
