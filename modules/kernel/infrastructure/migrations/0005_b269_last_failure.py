"""Store how the last attempt to deliver an event failed."""

import sqlalchemy as sa
from alembic import op

revision = "0005_b269"
down_revision = "0004"


def upgrade() -> None:
    """Add the column, which earlier releases do not write."""
    op.add_column("kernel_delivery", sa.Column("failure", sa.String(), nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("kernel_delivery", "failure")
