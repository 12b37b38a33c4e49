"""The revisions that have been applied."""

import sqlalchemy as sa
from alembic import op

revision = "0007_3e94"
down_revision = "0006_7c1e"
phase = "expand"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kernel_applied_revision",
        sa.Column("module", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("module", "revision", name="pk_kernel_applied_revision"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kernel_applied_revision")
