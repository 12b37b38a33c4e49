"""The user directory."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import FromClause, Row, Select, bindparam, select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import in_ids
from modules.users.contracts import PublicUser
from modules.users.domain.values import MAX_EXPANSION, MAX_USERNAME_LENGTH, username_key
from modules.users.infrastructure.tables import AccountRow

MAX_COMPARED_LENGTH = MAX_EXPANSION * MAX_USERNAME_LENGTH

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]

# Built once, from the table instead of the mapped class: every list runs one of these statements.
accounts: FromClause = AccountRow.__table__
PUBLIC = select(accounts.c.id, accounts.c.username, accounts.c.bio, accounts.c.image, accounts.c.username_key)
BY_ID = PUBLIC.where(in_ids(accounts.c.id, "keys"))
LOCK = (
    select(accounts.c.id)
    .where(in_ids(accounts.c.id, "keys"))
    .order_by(accounts.c.id)
    .with_for_update(read=True, key_share=True)
)
BY_USERNAME = PUBLIC.where(accounts.c.username_key.in_(bindparam("keys", expanding=True)))


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

    async def _rows(self, statement: AnySelect, keys: Collection[object]) -> Collection[AnyRow]:
        if not keys:
            return ()
        async with self._database.snapshot() as session:
            return (await session.execute(statement, {"keys": list(keys)})).all()


def _public_user(row: AnyRow) -> PublicUser:
    return PublicUser(UserId(row.id), row.username, row.bio, row.image)
