"""The tables of articles."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    bindparam,
    false,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import (
    Identifier,
    Schema,
    UtcDateTime,
    module_metadata,
    partial_index,
)


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


def _of_public(table: str, *columns: str) -> Index:
    """Return an index of the rows of public articles.

    `restricted` is its last column, because SQLite evaluates the condition of a statement although that of
    the index implies it, and would read it from the row. It uses the index for a statement with the same
    expression only: https://sqlite.org/partialindex.html.
    """
    name = f"ix_{table}_{'_'.join(columns)}_public"
    where = {"sqlite": "restricted = 0", "postgresql": "NOT restricted"}
    return partial_index(name, *columns, "restricted", where=where)


class ArticleRow(Base):
    """An article. Its slug, tags and number of favorites are repeated here: every list returns them.

    SQLite reads a row from its start: lists need no column after the body but `restricted`, which they read
    from the indexes of public articles. The same indexes of all articles are those of the release before
    revision 0006_5d20.
    """

    __tablename__ = "articles_article"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("favorites_count >= 0", name="favorites_count"),
        Index(None, "created_at", "id"),
        _of_public("articles_article", "created_at", "id"),
        Index(None, "author_id", "created_at", "id"),
        _of_public("articles_article", "author_id", "created_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    slug: Mapped[str]
    author_id: Mapped[int] = mapped_column(BigInteger)
    title: Mapped[str]
    description: Mapped[str]
    tag_list: Mapped[list[str]] = mapped_column(JSON)
    favorites_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    body: Mapped[str]
    restricted: Mapped[bool] = mapped_column(server_default=false())


class SlugRow(Base):
    """A slug that an article has or had. It is of this article until the article is deleted."""

    __tablename__ = "articles_slug"

    slug: Mapped[str] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("articles_article.id", ondelete="CASCADE"), index=True
    )


class TagRow(Base):
    """A tag of an article. It repeats two columns of the article, so that one index filters and sorts."""

    __tablename__ = "articles_tag"
    __table_args__ = (
        Index(None, "tag", "created_at", "article_id"),
        _of_public("articles_tag", "tag", "created_at", "article_id"),
    )

    article_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("articles_article.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    tag: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    restricted: Mapped[bool] = mapped_column(server_default=false())


class FavoriteRow(Base):
    """A favorite of a user. It repeats the same columns as a tag."""

    __tablename__ = "articles_favorite"
    __table_args__ = (
        Index(None, "user_id", "created_at", "article_id"),
        _of_public("articles_favorite", "user_id", "created_at", "article_id"),
    )

    article_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("articles_article.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    restricted: Mapped[bool] = mapped_column(server_default=false())


class RestrictionRow(Base):
    """A restriction of who sees an article, by the policy of a module. It repeats the author.

    Its audience has the name that `audience_name` gives it.
    """

    __tablename__ = "articles_restriction"
    __table_args__ = (Index(None, "audience", "article_id"), Index(None, "author_id", "article_id"))

    article_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("articles_article.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    policy: Mapped[str] = mapped_column(primary_key=True)
    audience: Mapped[str]
    author_id: Mapped[int] = mapped_column(BigInteger)


class AuthorStatsRow(Base):
    """The number of an author's public articles, and the time of the latest. Author 0 stands for all authors.

    The id is SQLite's rowid: the feed looks up every followed author, at a third of the cost.
    """

    __tablename__ = "articles_author_stats"
    __table_args__ = (CheckConstraint("articles >= 0", name="articles"),)

    author_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    articles: Mapped[int]
    latest_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TagStatsRow(Base):
    """The number of public articles with a tag."""

    __tablename__ = "articles_tag_stats"
    __table_args__ = (CheckConstraint("articles >= 0", name="articles"), Index(None, "articles", "tag"))

    tag: Mapped[str] = mapped_column(primary_key=True)
    articles: Mapped[int]


class ReaderStatsRow(Base):
    """The number of a user's favorites that are public."""

    __tablename__ = "articles_reader_stats"
    __table_args__ = (CheckConstraint("articles >= 0", name="articles"),)

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    articles: Mapped[int]


# For statements that are built once: building and mapping cost more than SQLite's part of a list.
articles = Base.metadata.tables[ArticleRow.__tablename__]
slugs = Base.metadata.tables[SlugRow.__tablename__]
tags = Base.metadata.tables[TagRow.__tablename__]
favorites = Base.metadata.tables[FavoriteRow.__tablename__]
restrictions = Base.metadata.tables[RestrictionRow.__tablename__]
author_stats = Base.metadata.tables[AuthorStatsRow.__tablename__]
tag_stats = Base.metadata.tables[TagStatsRow.__tablename__]
reader_stats = Base.metadata.tables[ReaderStatsRow.__tablename__]

# Whether an article is public: always as the rows of `articles_restriction` say.
IS_PUBLIC = ~articles.c.restricted

# The condition of a look-up by a slug, which finds an article by its present and by its old ones.
HAS_SLUG = (
    articles.c.id == select(slugs.c.article_id).where(slugs.c.slug == bindparam("slug")).scalar_subquery()
)

SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
