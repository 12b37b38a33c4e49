"""Idempotency keys and the stored responses."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kernel_idempotency_key",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("response", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_kernel_idempotency_key"),
    )
    op.create_index("ix_kernel_idempotency_key_expires_at", "kernel_idempotency_key", ["expires_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kernel_idempotency_key")
