"""An index for deleting old notifications."""

from alembic import op

revision = "0003_8e21"
down_revision = "0002"
phase = "expand"

INDEX, TABLE = "ix_notifications_notification_created_at", "notifications_notification"


def upgrade() -> None:
    """Create the index."""
    op.create_index(INDEX, TABLE, ["created_at"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index(INDEX, TABLE)
