"""When an account was disabled."""

import sqlalchemy as sa
from alembic import op

revision = "0007_a917"
down_revision = "0006"
phase = "expand"


def upgrade() -> None:
    """Add the column. No account is disabled."""
    op.add_column("users_account", sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Drop the column. Disabled accounts are enabled."""
    op.drop_column("users_account", "disabled_at")
