"""Runs the modules' Alembic migrations."""
