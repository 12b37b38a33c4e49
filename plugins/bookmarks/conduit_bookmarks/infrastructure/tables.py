"""The table of bookmarks."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Schema, UtcDateTime, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class BookmarkRow(Base):
    """A bookmark. The primary key begins with the article, so that deleting by article is indexed."""

    __tablename__ = "bookmarks_bookmark"
    __table_args__ = (Index(None, "user_id", "created_at", "article_id"),)

    article_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
