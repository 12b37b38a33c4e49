"""Requests that were sent with a key, and what was answered."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the keyed requests."""
    op.create_table(
        "kernel_idempotency_key",
        sa.Column("caller", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_kernel_keyed_request"),
    )
    op.create_index("ix_kernel_keyed_request_expires_at", "kernel_idempotency_key", ["expires_at"])


def downgrade() -> None:
    """Drop the keyed requests."""
    op.drop_table("kernel_idempotency_key")
