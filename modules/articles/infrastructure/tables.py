"""The tables of articles."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Identifier, Schema, UtcDateTime, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class ArticleRow(Base):
    """An article. Tags and the number of favorites are kept here too, because every list shows them.

    The body comes last: SQLite reads a row from its start, and lists stop before the body.
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


class TagRow(Base):
    """An article has a tag. The article's time is kept here too, so that one index filters and sorts."""

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
    """A user favorites an article. The article's time is kept here too, as with tags."""

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
    """How many articles an author has, and when the latest was published. Author 0 is everybody."""

    __tablename__ = "articles_author_stats"
    __table_args__ = (CheckConstraint("articles >= 0", name="articles"),)

    author_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    articles: Mapped[int]
    latest_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TagStatsRow(Base):
    """How many articles have a tag."""

    __tablename__ = "articles_tag_stats"
    __table_args__ = (CheckConstraint("articles >= 0", name="articles"), Index(None, "articles", "tag"))

    tag: Mapped[str] = mapped_column(primary_key=True)
    articles: Mapped[int]


class ReaderStatsRow(Base):
    """How many articles a user favorites."""

    __tablename__ = "articles_reader_stats"
    __table_args__ = (CheckConstraint("articles >= 0", name="articles"),)

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    articles: Mapped[int]


SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
