"""The table of requests that may be sent again."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from modules.kernel.infrastructure.declarative_base import Base
from modules.kernel.infrastructure.persistence.schema import UtcDateTime


class IdempotencyKeyRow(Base):
    """A request that was sent with a key, and what was answered, written by the transaction that did it."""

    __tablename__ = "kernel_idempotency_key"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """A user's id, or 0 for nobody."""

    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    """Tells the request from another one that has the same key."""

    response: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
