"""Create `profiles_follow`."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "profiles_follow",
        sa.Column("follower_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("followed_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("follower_id", "followed_id", name="pk_profiles_follow"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("profiles_follow")
