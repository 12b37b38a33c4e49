"""The user directory, read from the database."""

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

# Built once, of the table and not the mapped class: lists ask for this all the time.
account: FromClause = AccountRow.__table__
PUBLIC = select(account.c.id, account.c.username, account.c.bio, account.c.image, account.c.username_key)
BY_ID = PUBLIC.where(in_ids(account.c.id, "wanted"))
BY_NAME = PUBLIC.where(account.c.username_key.in_(bindparam("wanted", expanding=True)))


class SqlUserDirectory:
    """Looks users up in `users_account`: one statement for however many, none for nobody."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def users(self, ids: Collection[UserId]) -> Mapping[UserId, PublicUser]:
        """Return those of the users that exist, by id."""
        rows = await self._rows(BY_ID, set(ids))
        return {row.id: _public(row) for row in rows}

    async def by_username(self, usernames: Collection[str]) -> Mapping[str, PublicUser]:
        """Return those of the users that exist, by the name as it was asked for, in whatever case."""
        keys = {name: username_key(name) for name in usernames if len(name) <= MAX_COMPARED_LENGTH}
        rows = await self._rows(BY_NAME, set(keys.values()))
        found = {row.username_key: _public(row) for row in rows}
        return {name: found[key] for name, key in keys.items() if key in found}

    async def _rows(self, statement: AnySelect, wanted: Collection[object]) -> Collection[AnyRow]:
        if not wanted:
            return ()
        async with self._database.snapshot() as session:
            return (await session.execute(statement, {"wanted": list(wanted)})).all()


def _public(row: AnyRow) -> PublicUser:
    return PublicUser(UserId(row.id), row.username, row.bio, row.image)
