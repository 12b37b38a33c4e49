"""The account repository."""

from sqlalchemy import Select, delete, or_, select, update

from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import RandomHex
from modules.users.domain.account import Account, AccountTaken, NewAccount, ValidSessions
from modules.users.domain.values import email_key, username_key
from modules.users.infrastructure.tables import AccountRow

CONSTRAINT_ERRORS = {
    "uq_users_account_username_key": lambda: AccountTaken({"username"}),
    "uq_users_account_email_key": lambda: AccountTaken({"email"}),
}


class SqlAccounts:
    """Stores accounts in `users_account`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: NewAccount) -> Account:
        row = AccountRow(**account_row(account))
        try:
            async with self._database.translating_violations(CONSTRAINT_ERRORS) as session:
                session.add(row)
        except AccountTaken as taken:
            raise await self._all_conflicts(taken, account.username.text, account.email.text) from taken
        return _account(row)

    async def by_id(self, user_id: UserId) -> Account:
        return await self._get(select(AccountRow).where(AccountRow.id == user_id))

    async def get_for_update(self, user_id: UserId) -> Account:
        # FOR NO KEY UPDATE: other transactions of the user lock the id only (`JwtTokens.authorize_write`).
        statement = select(AccountRow).where(AccountRow.id == user_id).with_for_update(key_share=True)
        return await self._get(statement)

    async def get_for_deletion(self, user_id: UserId) -> Account:
        return await self._get(select(AccountRow).where(AccountRow.id == user_id).with_for_update())

    async def by_email(self, email: str) -> Account | None:
        async with self._database.snapshot() as session:
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == email_key(email)))
            return None if row is None else _account(row)

    async def save(self, account: Account) -> None:
        values = _name_columns(account.username, account.email) | {
            "bio": account.bio,
            "image": account.image,
            "password_hash": account.password_hash,
            "session_epoch": account.sessions.epoch,
            "surviving_session": account.sessions.surviving_id,
        }
        try:
            async with self._database.translating_violations(CONSTRAINT_ERRORS) as session:
                await session.execute(update(AccountRow).where(AccountRow.id == account.id).values(values))
        except AccountTaken as taken:
            raise await self._all_conflicts(
                taken, account.username, account.email, exclude_id=account.id
            ) from taken

    async def delete(self, account: Account) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(AccountRow).where(AccountRow.id == account.id))

    async def revoke_all_sessions(self) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                update(AccountRow).values(session_epoch=RandomHex(), surviving_session=None)
            )

    async def replace_hash(self, user_id: UserId, old: str, new: str) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                update(AccountRow)
                .where(AccountRow.id == user_id, AccountRow.password_hash == old)
                .values(password_hash=new)
            )

    async def _get(self, statement: Select[AccountRow]) -> Account:
        async with self._database.snapshot() as session:
            row = await session.scalar(statement)
            if row is None:
                raise TokenInvalid
            return _account(row)

    async def _all_conflicts(
        self, taken: AccountTaken, username: str, email: str, *, exclude_id: UserId | None = None
    ) -> AccountTaken:
        # The database reports only the first violated constraint; the API reports both fields.
        keys = {"username": username_key(username), "email": email_key(email)}
        async with self._database.snapshot() as session:
            rows = await session.execute(
                select(AccountRow.username_key, AccountRow.email_key).where(
                    or_(AccountRow.username_key == keys["username"], AccountRow.email_key == keys["email"]),
                    AccountRow.id != (exclude_id or 0),
                )
            )
            taken_keys = {key for row in rows for key in row}
        return AccountTaken({*taken.problems, *(field for field, key in keys.items() if key in taken_keys)})


def account_row(account: NewAccount) -> dict[str, str | int | None]:
    """Return the column values of a new account."""
    return _name_columns(account.username.text, account.email.text) | {
        "bio": None,
        "image": None,
        "password_hash": account.password_hash,
        "session_epoch": ValidSessions.none().epoch,
        "surviving_session": None,
    }


def _name_columns(username: str, email: str) -> dict[str, str | int | None]:
    return {
        "username": username,
        "username_key": username_key(username),
        "email": email,
        "email_key": email_key(email),
    }


def _account(row: AccountRow) -> Account:
    return Account(
        id=UserId(row.id),
        username=row.username,
        email=row.email,
        bio=row.bio,
        image=row.image,
        password_hash=row.password_hash,
        sessions=ValidSessions(row.session_epoch, row.surviving_session),
    )
