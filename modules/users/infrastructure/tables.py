"""The tables of users."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Double, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from modules.kernel.infrastructure.persistence.schema import Identifier, Schema, UtcDateTime, module_metadata


class Base(DeclarativeBase):
    """The declarative base of this module."""

    metadata = module_metadata()


class AccountRow(Base):
    """An account. Usernames and e-mails are compared by their keys."""

    __tablename__ = "users_account"
    __table_args__ = (
        UniqueConstraint("username_key"),
        UniqueConstraint("email_key"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    username: Mapped[str]
    username_key: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    bio: Mapped[str | None]
    image: Mapped[str | None]
    password_hash: Mapped[str]
    session_epoch: Mapped[str]
    surviving_session: Mapped[str | None]
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LoginAttemptRow(Base):
    """A counter of login attempts or registrations and the end of its window, in seconds since the epoch.

    Or a network from which a login to an account succeeded, see `KnownNetworks`.
    """

    __tablename__ = "users_login_attempt"

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    expires_at: Mapped[float] = mapped_column(Double, index=True)


accounts = Base.metadata.tables[AccountRow.__tablename__]
login_attempts = Base.metadata.tables[LoginAttemptRow.__tablename__]

SCHEMA = Schema(
    Base.metadata,
    Path(__file__).parent / "migrations",
    unchecked={
        "users_login_attempt.count": "attempts are not stored",
    },
)
