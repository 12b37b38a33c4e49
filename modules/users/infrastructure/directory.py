"""The user directory, read from the database."""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Row, select

from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.database import Database
from modules.users.contracts import PublicUser
from modules.users.domain.values import username_key
from modules.users.infrastructure.tables import AccountRow


class SqlUserDirectory:
    """Looks users up in `users_account`: one statement for however many, none for nobody."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def users(self, ids: Collection[UserId]) -> Mapping[UserId, PublicUser]:
        """Return those of the users that exist, by id."""
        rows = await self._where(AccountRow.id.in_(set(ids))) if ids else ()
        return {UserId(row.id): _public(row) for row in rows}

    async def named(self, usernames: Collection[str]) -> Mapping[str, PublicUser]:
        """Return those of the users that exist, by the name as it was asked for, in whatever case."""
        keys = {name: username_key(name) for name in usernames}
        rows = await self._where(AccountRow.username_key.in_(set(keys.values()))) if keys else ()
        found = {row.username_key: _public(row) for row in rows}
        return {name: found[key] for name, key in keys.items() if key in found}

    async def _where(self, condition: ColumnElement[bool]) -> "Collection[Row[*tuple[object, ...]]]":
        statement = select(
            AccountRow.id, AccountRow.username, AccountRow.username_key, AccountRow.bio, AccountRow.image
        )
        async with self._database.snapshot() as session:
            return (await session.execute(statement.where(condition))).all()


def _public(row: "Row[*tuple[object, ...]]") -> PublicUser:
    return PublicUser(UserId(row.id), row.username, row.bio, row.image)
