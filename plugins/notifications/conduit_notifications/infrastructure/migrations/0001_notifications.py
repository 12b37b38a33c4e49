"""Notifications, and the counters that number them."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of counters and notifications."""
    op.create_table(
        "notifications_counter",
        sa.Column("recipient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("latest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recipient_id", name="pk_notifications_counter"),
    )
    op.create_table(
        "notifications_notification",
        sa.Column("recipient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("recipient_id", "number", name="pk_notifications_notification"),
        sa.UniqueConstraint(
            "article_id",
            "kind",
            "subject_id",
            "actor_id",
            name="uq_notifications_notification_occasion",
        ),
    )
    op.create_index(
        "ix_notifications_notification_recipient_id_is_read",
        "notifications_notification",
        ["recipient_id", "is_read"],
    )
    op.create_index("ix_notifications_notification_actor_id", "notifications_notification", ["actor_id"])


def downgrade() -> None:
    """Drop the tables of notifications and counters."""
    op.drop_table("notifications_notification")
    op.drop_table("notifications_counter")
