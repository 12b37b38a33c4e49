"""Maintenance, during which the site is read-only."""

import sqlalchemy as sa
from alembic import op

revision = "0008_51c4"
down_revision = "0007_3e94"
phase = "expand"


def upgrade() -> None:
    """Create the table. There is no maintenance."""
    op.create_table(
        "kernel_maintenance",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retry_after", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kernel_maintenance"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kernel_maintenance")
