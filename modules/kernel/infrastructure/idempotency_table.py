"""The table of idempotency keys."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from modules.kernel.infrastructure.declarative_base import Base
from modules.kernel.infrastructure.persistence.schema import UtcDateTime


class IdempotencyKeyRow(Base):
    """An idempotency key and the stored response, written by the transaction of the request."""

    __tablename__ = "kernel_idempotency_key"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """The caller, or 0 for anonymous callers."""

    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    """A keyed digest of the request's content."""

    response: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
