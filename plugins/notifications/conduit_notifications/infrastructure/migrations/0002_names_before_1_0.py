"""Rename the table of counters in databases created before 1.0."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Copy the counters from the table with the old name, if it exists."""
    if not sa.inspect(op.get_bind()).has_table("notifications_inbox"):
        return
    # Copied and not renamed: the constraint's name contains the table's.
    op.create_table(
        "notifications_counter",
        sa.Column("recipient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("latest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recipient_id", name="pk_notifications_counter"),
    )
    op.execute(
        "INSERT INTO notifications_counter (recipient_id, latest)"
        " SELECT recipient_id, latest FROM notifications_inbox"
    )
    op.drop_table("notifications_inbox")


def downgrade() -> None:
    """Do nothing: the previous revision creates the same table."""
