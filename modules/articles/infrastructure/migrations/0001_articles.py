"""Articles, their tags and favorites."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from modules.kernel.infrastructure.persistence.schema import Identifier, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the articles, their tags and favorites."""
    op.create_table(
        "articles_article",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("tag_list", sa.JSON(), nullable=False),
        sa.Column("favorites_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_articles_article"),
        sa.UniqueConstraint("slug", name="uq_articles_article_slug"),
        sa.CheckConstraint("favorites_count >= 0", name=op.f("ck_articles_article_favorites_count")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_articles_article_created_at_id", "articles_article", ["created_at", "id"])
    op.create_index(
        "ix_articles_article_author_id_created_at_id", "articles_article", ["author_id", "created_at", "id"]
    )
    _create_of_article("tag", sa.Column("tag", sa.String(), nullable=False))
    _create_of_article("favorite", sa.Column("user_id", sa.BigInteger(), nullable=False))
    _create_count(
        "author_stats",
        sa.Column("author_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("latest_at", UtcDateTime(), nullable=True),
    )
    _create_count("tag_stats", sa.Column("tag", sa.String(), nullable=False))
    op.create_index("ix_articles_tag_stats_articles_tag", "articles_tag_stats", ["articles", "tag"])
    _create_count("reader_stats", sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False))


def _create_of_article(name: str, column: sa.Column[str] | sa.Column[int]) -> None:
    table = f"articles_{name}"
    op.create_table(
        table,
        sa.Column("article_id", sa.BigInteger(), autoincrement=False, nullable=False),
        column,
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", column.name, name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["articles_article.id"],
            name=f"fk_{table}_article_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        f"ix_{table}_{column.name}_created_at_article_id", table, [column.name, "created_at", "article_id"]
    )


def _create_count(name: str, key: sa.Column[str] | sa.Column[int], *others: sa.Column[datetime]) -> None:
    table = f"articles_{name}"
    op.create_table(
        table,
        key,
        sa.Column("articles", sa.Integer(), nullable=False),
        *others,
        sa.PrimaryKeyConstraint(key.name, name=f"pk_{table}"),
        sa.CheckConstraint("articles >= 0", name=op.f(f"ck_{table}_articles")),
    )


def downgrade() -> None:
    """Drop the articles, their tags and favorites."""
    op.drop_table("articles_reader_stats")
    op.drop_table("articles_tag_stats")
    op.drop_table("articles_author_stats")
    op.drop_table("articles_favorite")
    op.drop_table("articles_tag")
    op.drop_table("articles_article")
