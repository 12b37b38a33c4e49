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
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Identifier, Schema, UtcDateTime, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class ArticleRow(Base):
    """An article. Its slug, tags and number of favorites are repeated here: every list returns them.

    The body is the last column: SQLite reads a row from its start, and lists do not need the body.
    """

    __tablename__ = "articles_article"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("favorites_count >= 0", name="favorites_count"),
        Index(None, "created_at", "id"),
        Index(None, "author_id", "created_at", "id"),
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


class SlugRow(Base):
    """A slug that an article has or had. It is of this article until the article is deleted."""

    __tablename__ = "articles_slug"

    slug: Mapped[str] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("articles_article.id", ondelete="CASCADE"), index=True
    )


class TagRow(Base):
    """A tag of an article. It repeats the article's time, so that one index filters and sorts."""

    __tablename__ = "articles_tag"
    __table_args__ = (Index(None, "tag", "created_at", "article_id"),)

    article_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("articles_article.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    tag: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FavoriteRow(Base):
    """A favorite of a user. It repeats the article's time, as a tag does."""

    __tablename__ = "articles_favorite"
    __table_args__ = (Index(None, "user_id", "created_at", "article_id"),)

    article_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("articles_article.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuthorStatsRow(Base):
    """The number of an author's articles, and the time of the latest. Author 0 stands for all authors.

    The id is SQLite's rowid: the feed looks up every followed author, at a quarter of the cost.
    """

    __tablename__ = "articles_author_stats"
    __table_args__ = (CheckConstraint("articles >= 0", name="articles"),)

    author_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    articles: Mapped[int]
    latest_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TagStatsRow(Base):
    """The number of articles with a tag."""

    __tablename__ = "articles_tag_stats"
    __table_args__ = (CheckConstraint("articles >= 0", name="articles"), Index(None, "articles", "tag"))

    tag: Mapped[str] = mapped_column(primary_key=True)
    articles: Mapped[int]


class ReaderStatsRow(Base):
    """The number of a user's favorites."""

    __tablename__ = "articles_reader_stats"
    __table_args__ = (CheckConstraint("articles >= 0", name="articles"),)

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    articles: Mapped[int]


# For statements that are built once: building and mapping cost more than SQLite's part of a list.
articles = Base.metadata.tables[ArticleRow.__tablename__]
slugs = Base.metadata.tables[SlugRow.__tablename__]
tags = Base.metadata.tables[TagRow.__tablename__]
favorites = Base.metadata.tables[FavoriteRow.__tablename__]
author_stats = Base.metadata.tables[AuthorStatsRow.__tablename__]
tag_stats = Base.metadata.tables[TagStatsRow.__tablename__]
reader_stats = Base.metadata.tables[ReaderStatsRow.__tablename__]

# The condition of a look-up by a slug, which finds an article by its present and by its old ones.
HAS_SLUG = (
    articles.c.id == select(slugs.c.article_id).where(slugs.c.slug == bindparam("slug")).scalar_subquery()
)

SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
