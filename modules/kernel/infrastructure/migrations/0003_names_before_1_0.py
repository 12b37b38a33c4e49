"""Rename columns and a table in databases created before 1.0."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Rename the columns of deliveries and the table of idempotency keys, where they have old names."""
    inspector = sa.inspect(op.get_bind())
    columns = {column["name"] for column in inspector.get_columns("kernel_delivery")}
    if "held_by" in columns:
        op.execute("ALTER TABLE kernel_delivery RENAME COLUMN held_by TO claimed_by")
        op.execute("ALTER TABLE kernel_delivery RENAME COLUMN error TO last_error")
    if inspector.has_table("kernel_keyed_request"):
        _copy_idempotency_keys()


def _copy_idempotency_keys() -> None:
    # Copied, not renamed: the names of the constraint and the index contain the table's name.
    if not sa.inspect(op.get_bind()).has_table("kernel_idempotency_key"):
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
    op.execute(
        "INSERT INTO kernel_idempotency_key (user_id, key, fingerprint, response, expires_at)"
        " SELECT caller, key, fingerprint, answer, expires_at FROM kernel_keyed_request"
    )
    op.drop_table("kernel_keyed_request")


def downgrade() -> None:
    """Do nothing: the previous revision creates the same tables."""
