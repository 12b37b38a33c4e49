"""Rename the statistics tables of databases created before 1.0."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Copy the statistics from the tables with the old names, if they exist."""
    if not sa.inspect(op.get_bind()).has_table("articles_author"):
        return
    author_id = sa.Column("author_id", sa.BigInteger(), autoincrement=False, nullable=False)
    latest_at: sa.Column[datetime] = sa.Column("latest_at", UtcDateTime(), nullable=True)
    _copy("articles_author", "articles_author_stats", author_id, [latest_at])
    _copy("articles_tag_use", "articles_tag_stats", sa.Column("tag", sa.String(), nullable=False))
    op.create_index("ix_articles_tag_stats_articles_tag", "articles_tag_stats", ["articles", "tag"])
    user_id = sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False)
    _copy("articles_reader", "articles_reader_stats", user_id)


def _copy(
    old: str,
    new: str,
    key: sa.Column[str] | sa.Column[int],
    others: Sequence[sa.Column[datetime]] = (),
) -> None:
    # A copy instead of a rename: the constraint names contain the table name.
    op.create_table(
        new,
        key,
        sa.Column("articles", sa.Integer(), nullable=False),
        *others,
        sa.PrimaryKeyConstraint(key.name, name=f"pk_{new}"),
        sa.CheckConstraint("articles >= 0", name=op.f(f"ck_{new}_articles")),
    )
    columns = ", ".join([key.name, "articles", *(column.name for column in others)])
    op.execute(f"INSERT INTO {new} ({columns}) SELECT {columns} FROM {old}")  # noqa: S608 - names from above
    op.drop_table(old)


def downgrade() -> None:
    """Change nothing: the previous revision creates the same tables."""
