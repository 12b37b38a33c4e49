"""Index deliveries by their subscription, so that a claim reads no orphaned ones."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Replace the index on due_at."""
    op.create_index(
        "ix_kernel_delivery_subscriber_event_due_at_id",
        "kernel_delivery",
        ["subscriber", "event", "due_at", "id"],
    )
    op.drop_index("ix_kernel_delivery_due_at_id", "kernel_delivery")


def downgrade() -> None:
    """Restore the index on due_at."""
    op.create_index("ix_kernel_delivery_due_at_id", "kernel_delivery", ["due_at", "id"])
    op.drop_index("ix_kernel_delivery_subscriber_event_due_at_id", "kernel_delivery")
