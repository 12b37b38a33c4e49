"""Create `users_account`."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import Identifier

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "users_account",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("username_key", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_key", sa.String(), nullable=False),
        sa.Column("bio", sa.String(), nullable=True),
        sa.Column("image", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users_account"),
        sa.UniqueConstraint("username_key", name="uq_users_account_username_key"),
        sa.UniqueConstraint("email_key", name="uq_users_account_email_key"),
        sa.CheckConstraint("token_version >= 0", name=op.f("ck_users_account_token_version")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("users_account")
