"""The idempotency store in the database."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import ColumnElement, bindparam, delete, select, tuple_, update

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.idempotency import RETENTION, IdempotencyKeyReused, IdempotentRequest
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.consistency import Existing, ReferenceCheck
from modules.kernel.infrastructure.idempotency_table import IdempotencyKeyRow
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import Columns, upsert
from modules.kernel.infrastructure.persistence.statements import prepare

ANONYMOUS = 0
# More than the one row that a request inserts, so that expired rows do not accumulate.
CLEANUP_BATCH_SIZE = 10

idempotency_keys: Any = IdempotencyKeyRow.__table__

BY_KEY = (idempotency_keys.c.user_id == bindparam("by_user"), idempotency_keys.c.key == bindparam("by_key"))
STORED = prepare(select(idempotency_keys.c.fingerprint, idempotency_keys.c.response).where(*BY_KEY))
STORE_RESPONSE = prepare(update(idempotency_keys).where(*BY_KEY).values(response=bindparam("new_response")))
DELETE_BY_USER = prepare(delete(idempotency_keys).where(idempotency_keys.c.user_id == bindparam("user_id")))
# Rows that a concurrent transaction deletes are skipped: waiting for them could deadlock.
EXPIRED = (
    select(idempotency_keys.c.user_id, idempotency_keys.c.key)
    .where(idempotency_keys.c.expires_at <= bindparam("now"))
    .order_by(idempotency_keys.c.expires_at)
    .limit(CLEANUP_BATCH_SIZE)
    .with_for_update(skip_locked=True)
    .cte("expired")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
DELETE_EXPIRED = prepare(
    delete(idempotency_keys).where(
        tuple_(idempotency_keys.c.user_id, idempotency_keys.c.key).in_(
            select(EXPIRED.c.user_id, EXPIRED.c.key)
        )
    )
)


class SqlIdempotencyStore:
    """Stores idempotency keys and responses in a table.

    The first statement of the transaction claims the key. On PostgreSQL a concurrent claim of the same
    key waits for that transaction to end; SQLite has one writer at a time.
    """

    def __init__(self, database: Database, clock: Clock, signing_keys: Sequence[str]) -> None:
        self._database = database
        self._clock = clock
        self._signing_keys = signing_keys

    def check_of_callers(self, existing_users: Existing) -> ReferenceCheck:
        """Return the check of the callers, for the module that has the users."""
        return ReferenceCheck(
            self._database, IdempotencyKeyRow, "user_id", "user", existing_users, ignored={ANONYMOUS}
        )

    async def run(
        self, request: IdempotentRequest, caller: UserId | None, work: Callable[[], Awaitable[str]]
    ) -> str:
        user_id = caller or ANONYMOUS
        key = {"by_user": user_id, "by_key": request.key}
        async with self._database.transaction():
            if not await self._claim(request, user_id):
                [stored] = await self._database.fetch_all(STORED, key)
                return self._replay(request, *stored)
            await self._database.execute(DELETE_EXPIRED, {"now": self._clock.now()})
            response = await work()
            await self._database.execute(STORE_RESPONSE, key | {"new_response": response})
            return response

    async def delete_for_user(self, user_id: UserId) -> None:
        await self._database.execute(DELETE_BY_USER, {"user_id": user_id})

    async def _claim(self, request: IdempotentRequest, user_id: int) -> bool:
        """Claim the key if it is new or expired; return whether it was."""
        now = self._clock.now()
        row = {
            "user_id": user_id,
            "key": request.key,
            "fingerprint": _fingerprint(request, self._signing_keys[0]),
            "response": "",
            "expires_at": now + RETENTION,
            "now": now,
        }
        dialect = self._database.dialect
        claim = upsert(dialect, IdempotencyKeyRow, _reclaim, where=_is_expired, returning="key")
        return await self._database.fetch_one(claim, row) is not None

    def _replay(self, request: IdempotentRequest, fingerprint: str, response: str) -> str:
        # The signing key may have been rotated since the first request.
        if fingerprint not in {_fingerprint(request, key) for key in self._signing_keys}:
            raise IdempotencyKeyReused
        structlog.contextvars.bind_contextvars(idempotent_replay=True)
        return response


def _reclaim(_stored: Columns, new: Columns) -> Mapping[str, object]:
    return {"fingerprint": new.fingerprint, "response": new.response, "expires_at": new.expires_at}


def _is_expired(stored: Columns) -> ColumnElement[bool]:
    expired: ColumnElement[bool] = stored.expires_at <= bindparam("now")
    return expired


def _fingerprint(request: IdempotentRequest, signing_key: str) -> str:
    # Keyed: a body may contain a password, which a plain digest would expose to guessing.
    content = b"Idempotency-Key\0" + request.content
    return hmac.new(signing_key.encode(), content, hashlib.sha256).hexdigest()
