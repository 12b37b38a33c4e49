"""The tables of profiles."""

from pathlib import Path

from sqlalchemy import BigInteger
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Schema, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class FollowRow(Base):
    """A follow: `follower_id` follows `followed_id`."""

    __tablename__ = "profiles_follow"

    follower_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    # Indexed for deleting the followers of a deleted user.
    followed_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, index=True)


follows = Base.metadata.tables[FollowRow.__tablename__]

SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
