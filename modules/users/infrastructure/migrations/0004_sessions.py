"""Replace the token version of an account by a random session epoch."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.dialect_sql import RandomHex
from modules.kernel.infrastructure.persistence.schema import keeping_ids_unused

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Give every account an epoch. This ends all sessions, whose tokens name none."""
    op.add_column("users_account", sa.Column("session_epoch", sa.String(), nullable=True))
    op.add_column("users_account", sa.Column("surviving_session", sa.String(), nullable=True))
    accounts = sa.table("users_account", sa.column("session_epoch"))
    op.execute(sa.update(accounts).values(session_epoch=RandomHex()))
    with (
        keeping_ids_unused(op.get_bind(), "users_account"),
        op.batch_alter_table("users_account", table_kwargs={"sqlite_autoincrement": True}) as batch,
    ):
        batch.alter_column("session_epoch", existing_type=sa.String(), nullable=False)
        batch.drop_constraint(op.f("ck_users_account_token_version"), type_="check")
        batch.drop_column("token_version")


def downgrade() -> None:
    """Give every account a token version again."""
    with (
        keeping_ids_unused(op.get_bind(), "users_account"),
        op.batch_alter_table("users_account", table_kwargs={"sqlite_autoincrement": True}) as batch,
    ):
        batch.add_column(sa.Column("token_version", sa.Integer(), nullable=False, server_default="0"))
        batch.create_check_constraint(op.f("ck_users_account_token_version"), "token_version >= 0")
        batch.drop_column("session_epoch")
        batch.drop_column("surviving_session")
