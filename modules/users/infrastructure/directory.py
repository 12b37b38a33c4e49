"""The user directory."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids, in_texts
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare
from modules.users.contracts import PublicUser
from modules.users.domain.values import MAX_EXPANSION, MAX_USERNAME_LENGTH, username_key
from modules.users.infrastructure.tables import accounts

MAX_COMPARED_LENGTH = MAX_EXPANSION * MAX_USERNAME_LENGTH

PUBLIC = select(accounts.c.id, accounts.c.username, accounts.c.bio, accounts.c.image, accounts.c.username_key)
BY_ID = prepare(PUBLIC.where(in_ids(accounts.c.id, "keys")))
LOCK = prepare(
    select(accounts.c.id)
    .where(in_ids(accounts.c.id, "keys"))
    .order_by(accounts.c.id)
    .with_for_update(read=True, key_share=True)
)
BY_USERNAME = prepare(PUBLIC.where(in_texts(accounts.c.username_key, "keys")))


class SqlUserDirectory:
    """Reads users from `users_account`, with one statement per call and none for an empty collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def users(self, ids: Collection[UserId]) -> Mapping[UserId, PublicUser]:
        rows = await self._rows(BY_ID, set(ids))
        return {row.id: _public_user(row) for row in rows}

    async def lock(self, ids: Collection[UserId]) -> Collection[UserId]:
        self._database.require_transaction()
        return {UserId(row.id) for row in await self._rows(LOCK, set(ids))}

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, PublicUser]:
        keys = {name: username_key(name) for name in usernames if len(name) <= MAX_COMPARED_LENGTH}
        rows = await self._rows(BY_USERNAME, set(keys.values()))
        users = {row.username_key: _public_user(row) for row in rows}
        return {name: users[key] for name, key in keys.items() if key in users}

    async def _rows(self, statement: PreparedStatement, keys: Collection[object]) -> Collection[Any]:
        if not keys:
            return ()
        return await self._database.fetch_all(statement, {"keys": keys})


def _public_user(row: Any) -> PublicUser:
    return PublicUser(UserId(row.id), row.username, row.bio, row.image)
