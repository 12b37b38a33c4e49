"""Create `users_login_attempt`."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "users_login_attempt",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_users_login_attempt"),
    )
    op.create_index("ix_users_login_attempt_expires_at", "users_login_attempt", ["expires_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("users_login_attempt")
