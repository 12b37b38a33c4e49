"""The tables of profiles."""

from pathlib import Path

from sqlalchemy import BigInteger
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Schema, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class FollowRow(Base):
    """One user follows another."""

    __tablename__ = "profiles_follow"

    follower_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    # An index of its own, for when somebody is gone whom others follow.
    followed_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, index=True)


SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
