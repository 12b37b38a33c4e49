"""The outbox: deliveries of events after the commit."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import Identifier, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table of deliveries."""
    op.create_table(
        "kernel_delivery",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("subscriber", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("aggregate", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_kernel_delivery"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_kernel_delivery_due_at_id", "kernel_delivery", ["due_at", "id"])
    op.create_index(
        "ix_kernel_delivery_subscriber_aggregate_id", "kernel_delivery", ["subscriber", "aggregate", "id"]
    )


def downgrade() -> None:
    """Drop the table of deliveries."""
    op.drop_table("kernel_delivery")
