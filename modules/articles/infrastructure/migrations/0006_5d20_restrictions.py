"""The restrictions of who sees an article, and indexes of the public articles."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision = "0006_5d20"
down_revision = "0005"
phase = "expand"

INDEXES: Mapping[str, Sequence[Sequence[str]]] = {
    "articles_article": (("created_at", "id"), ("author_id", "created_at", "id")),
    "articles_tag": (("tag", "created_at", "article_id"),),
    "articles_favorite": (("user_id", "created_at", "article_id"),),
}


def upgrade() -> None:
    """Create the table, and a column in three others. All articles are public.

    The indexes of all articles stay: the release before this one reads lists from them.
    """
    op.create_table(
        "articles_restriction",
        sa.Column("article_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "policy", name="pk_articles_restriction"),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["articles_article.id"],
            name="fk_articles_restriction_article_id",
            ondelete="CASCADE",
        ),
    )
    for column in ("audience", "author_id"):
        name = f"ix_articles_restriction_{column}_article_id"
        op.create_index(name, "articles_restriction", [column, "article_id"])
    for table, indexes in INDEXES.items():
        op.add_column(table, sa.Column("restricted", sa.Boolean(), server_default=sa.false(), nullable=False))
        for columns in indexes:
            op.create_index(
                f"ix_{table}_{'_'.join(columns)}_public",
                table,
                [*columns, "restricted"],
                sqlite_where=sa.text("restricted = 0"),
                postgresql_where=sa.text("NOT restricted"),
            )


def downgrade() -> None:
    """Drop them. Everyone sees what was restricted."""
    for table, indexes in INDEXES.items():
        for columns in indexes:
            op.drop_index(f"ix_{table}_{'_'.join(columns)}_public", table)
        op.drop_column(table, "restricted")
    op.drop_table("articles_restriction")
