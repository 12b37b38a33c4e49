"""Make the author's id the rowid of `articles_author_stats` in SQLite."""

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import Identifier

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Recreate the table in SQLite, where only an INTEGER primary key is the rowid."""
    _change_type(sa.BigInteger(), Identifier)


def downgrade() -> None:
    """Recreate the table with a BIGINT."""
    _change_type(Identifier, sa.BigInteger())


def _change_type(before: sa.types.TypeEngine[int], after: sa.types.TypeEngine[int]) -> None:
    if op.get_context().dialect.name == "sqlite":
        with op.batch_alter_table("articles_author_stats") as batch:
            batch.alter_column("author_id", existing_type=before, type_=after, existing_nullable=False)
