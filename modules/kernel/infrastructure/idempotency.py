"""Keyed requests in the database, where every process sees them."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import ColumnElement, bindparam, delete, select, tuple_, update

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.idempotency import RETENTION, IdempotencyKeyReused, IdempotentRequest
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.idempotency_table import IdempotencyKeyRow
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import Columns, upsert

ANONYMOUS = 0
# More than the one that is added, so that what has accumulated becomes less.
CLEANUP_BATCH_SIZE = 10

idempotency_key: Any = IdempotencyKeyRow.__table__

BY_KEY = (idempotency_key.c.user_id == bindparam("of_user"), idempotency_key.c.key == bindparam("with_key"))
STORED = select(idempotency_key.c.fingerprint, idempotency_key.c.response).where(*BY_KEY)
STORE_RESPONSE = update(idempotency_key).where(*BY_KEY).values(response=bindparam("new_response"))
# Whoever removes the same at the same moment is not waited for: two could wait for each other.
EXPIRED = (
    select(idempotency_key.c.user_id, idempotency_key.c.key)
    .where(idempotency_key.c.expires_at <= bindparam("now"))
    .order_by(idempotency_key.c.expires_at)
    .limit(CLEANUP_BATCH_SIZE)
    .with_for_update(skip_locked=True)
    .cte("expired")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
REMOVE_EXPIRED = delete(idempotency_key).where(
    tuple_(idempotency_key.c.user_id, idempotency_key.c.key).in_(select(EXPIRED.c.user_id, EXPIRED.c.key))
)


class SqlIdempotencyStore:
    """Keeps keyed requests for a day.

    A key is claimed by the first statement of the transaction that does the work: PostgreSQL lets others
    who claim it wait until that ends, and SQLite's writers take turns anyway.
    """

    def __init__(self, database: Database, clock: Clock, signing_keys: Sequence[str]) -> None:
        self._database = database
        self._clock = clock
        self._signing_keys = signing_keys

    async def run(
        self, request: IdempotentRequest, caller: UserId | None, work: Callable[[], Awaitable[str]]
    ) -> str:
        """Do the work and return its response, or the one that is kept; raise `IdempotencyKeyReused`."""
        this = {"of_user": caller or ANONYMOUS, "with_key": request.key}
        async with self._database.transaction() as session:
            if not await self._claim(request, caller or ANONYMOUS):
                return self._replay(request, *(await session.execute(STORED, this)).one())
            await session.execute(REMOVE_EXPIRED, {"now": self._clock.now()})
            response = await work()
            await session.execute(STORE_RESPONSE, this | {"new_response": response})
            return response

    async def forget(self, caller: UserId) -> None:
        """Forget all that was answered to a caller."""
        async with self._database.transaction() as session:
            await session.execute(delete(idempotency_key).where(idempotency_key.c.user_id == caller))

    async def _claim(self, request: IdempotentRequest, caller: int) -> bool:
        """Return whether the key is free, or has become so with time; then it is this request's."""
        now = self._clock.now()
        row = {
            "user_id": caller,
            "key": request.key,
            "fingerprint": _fingerprint(request, self._signing_keys[0]),
            "response": "",
            "expires_at": now + RETENTION,
            "now": now,
        }
        async with self._database.transaction() as session:
            claim = upsert(session, IdempotencyKeyRow, _reclaim, where=_is_expired, returning="key")
            return (await session.execute(claim, row)).one_or_none() is not None

    def _replay(self, request: IdempotentRequest, fingerprint: str, response: str) -> str:
        # Any of the keys: the first one may be new since.
        if fingerprint not in {_fingerprint(request, key) for key in self._signing_keys}:
            raise IdempotencyKeyReused
        structlog.contextvars.bind_contextvars(repeated=True)
        return response


def _reclaim(_kept: Columns, new: Columns) -> Mapping[str, object]:
    return {"fingerprint": new.fingerprint, "response": new.response, "expires_at": new.expires_at}


def _is_expired(kept: Columns) -> ColumnElement[bool]:
    over: ColumnElement[bool] = kept.expires_at <= bindparam("now")
    return over


def _fingerprint(request: IdempotentRequest, signing_key: str) -> str:
    # No plain digest: a body may hold a password, which whoever reads the table could try to guess.
    content = b"Idempotency-Key\0" + request.content
    return hmac.new(signing_key.encode(), content, hashlib.sha256).hexdigest()
