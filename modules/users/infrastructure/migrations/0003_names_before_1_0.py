"""Rename the table of login attempts in databases created before 1.0."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Copy the attempts from the table with the old name, if it exists."""
    inspector = sa.inspect(op.get_bind())
    if not inspector.has_table("users_attempt"):
        return
    # Copied instead of renamed, because the constraint and index names contain the table's.
    if not inspector.has_table("users_login_attempt"):
        op.create_table(
            "users_login_attempt",
            sa.Column("key", sa.String(), nullable=False),
            sa.Column("count", sa.Integer(), nullable=False),
            sa.Column("expires_at", sa.Double(), nullable=False),
            sa.PrimaryKeyConstraint("key", name="pk_users_login_attempt"),
        )
        op.create_index("ix_users_login_attempt_expires_at", "users_login_attempt", ["expires_at"])
    op.execute(
        "INSERT INTO users_login_attempt (key, count, expires_at)"
        " SELECT key, number, expires_at FROM users_attempt"
    )
    op.drop_table("users_attempt")


def downgrade() -> None:
    """Do nothing: revision 0002 creates the same table."""
