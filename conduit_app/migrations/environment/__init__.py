"""What Alembic runs around a module's revisions."""
