"""Index follows by followee."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_profiles_follow_followed_id", "profiles_follow", ["followed_id"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_profiles_follow_followed_id", "profiles_follow")
