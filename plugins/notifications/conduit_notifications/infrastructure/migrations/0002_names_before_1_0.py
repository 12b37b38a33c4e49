"""Rename the table of counters, in databases that were made before 1.0."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Copy the counters from the table with the old name, where there is one."""
    if not sa.inspect(op.get_bind()).has_table("notifications_inbox"):
        return
    # A copy and not a rename: the name of its constraint contains the table's.
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
    """Change nothing: the revision before makes the same table."""
