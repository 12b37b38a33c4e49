"""The mapped table of search. The table of words is specific to the engine."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Schema, UtcDateTime, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class DocumentRow(Base):
    """An indexed article, and the version that was indexed."""

    __tablename__ = "search_document"
    __table_args__ = (Index(None, "author_id", "article_id"),)

    article_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    author_id: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations", unmapped=["search_words"])
