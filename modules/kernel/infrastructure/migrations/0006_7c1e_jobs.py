"""The schedule of periodic jobs."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import UtcDateTime

revision = "0006_7c1e"
down_revision = "0005_b269"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kernel_job",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_kernel_job"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kernel_job")
