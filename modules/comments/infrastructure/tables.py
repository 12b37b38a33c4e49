"""The tables of comments."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Identifier, Schema, UtcDateTime, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class CommentRow(Base):
    """A comment on an article."""

    __tablename__ = "comments_comment"
    __table_args__ = (
        Index(None, "article_id", "created_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    article_id: Mapped[int] = mapped_column(BigInteger)
    author_id: Mapped[int] = mapped_column(BigInteger, index=True)
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


# For statements that are built once: mapping rows to objects costs more than reading them.
comments = Base.metadata.tables[CommentRow.__tablename__]

SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
