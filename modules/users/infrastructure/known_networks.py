"""The networks from which the owner of an account has logged in."""

import hashlib
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select

from modules.kernel.domain.clock import Clock
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import upsert
from modules.kernel.infrastructure.persistence.statements import prepare
from modules.users.infrastructure.tables import LoginAttemptRow, login_attempts

MAX_PER_ACCOUNT = 10
LIFETIME = timedelta(days=90)
"""How long a network is known after the last login from it."""

DIGEST_SIZE = 16
PREFIX = "known"
OF_ACCOUNT = login_attempts.c.key.between(bindparam("first"), bindparam("last"))
LATEST = (
    select(login_attempts.c.key)
    .where(OF_ACCOUNT)
    .order_by(login_attempts.c.expires_at.desc(), login_attempts.c.key)
    .limit(MAX_PER_ACCOUNT)
)
DELETE = prepare(delete(login_attempts).where(OF_ACCOUNT))
DELETE_OLD = prepare(delete(login_attempts).where(OF_ACCOUNT, login_attempts.c.key.not_in(LATEST)))


class KnownNetworks:
    """Rows of `users_login_attempt` whose keys are digests of an account and of a network.

    The digests have a secret key: there are so few IPv4 addresses that one could try them all. When the
    key is rotated, no network is known.
    """

    def __init__(self, database: Database, clock: Clock, secret: str) -> None:
        self._database = database
        self._clock = clock
        self._secret = hashlib.blake2b(secret.encode(), person=b"known networks").digest()

    def key(self, account: str, network: str) -> str:
        """Return the key of the row."""
        return f"{PREFIX}{self._digest(account)}{self._digest(account, network)}"

    async def add(self, account: str, key: str) -> None:
        """Insert the row of a network, or extend its lifetime; delete all but the latest of the account."""
        row = {"key": key, "count": 1, "expires_at": (self._clock.now() + LIFETIME).timestamp()}
        async with self._database.transaction():
            await self._database.execute(upsert(self._database.dialect, LoginAttemptRow, _extended), row)
            await self._database.execute(DELETE_OLD, self._keys(account))

    async def delete_all(self, account: str) -> None:
        """Delete the networks of the account."""
        await self._database.execute(DELETE, self._keys(account))

    def _keys(self, account: str) -> dict[str, str]:
        # A range of the primary key. Digests in hexadecimal are sorted alike by all collations.
        prefix = f"{PREFIX}{self._digest(account)}"
        digits = DIGEST_SIZE * 2
        return {"first": prefix + "0" * digits, "last": prefix + "f" * digits}

    def _digest(self, *parts: str) -> str:
        text = "\0".join(parts).encode()
        return hashlib.blake2b(text, digest_size=DIGEST_SIZE, key=self._secret).hexdigest()


def _extended(_stored: Any, new: Any) -> dict[str, Any]:
    return {"expires_at": new.expires_at}
