"""The account repository."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, case, delete, insert, or_, select, update

from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import RandomHex, in_texts
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare
from modules.users.domain.account import Account, AccountTaken, NewAccount, ValidSessions
from modules.users.domain.values import email_as_typed, email_key, username_key
from modules.users.infrastructure.tables import accounts

CONSTRAINT_ERRORS = {
    "uq_users_account_username_key": lambda: AccountTaken({"username"}),
    "uq_users_account_email_key": lambda: AccountTaken({"email"}),
}

IS_USER = accounts.c.id == bindparam("user_id")
USER = select(accounts).where(IS_USER)
BY_ID = prepare(USER)
# FOR NO KEY UPDATE: other transactions of the user lock the id only (`JwtTokens.authorize_write`).
LOCK_FOR_UPDATE = prepare(USER.with_for_update(key_share=True))
LOCK_FOR_DELETION = prepare(USER.with_for_update())
BY_EMAIL = prepare(select(accounts).where(in_texts(accounts.c.email_key, "keys")))
BY_USERNAME = prepare(select(accounts).where(accounts.c.username_key == bindparam("key")))
AFTER = (
    select(accounts)
    .where(accounts.c.id > bindparam("after"))
    .order_by(accounts.c.id)
    .limit(bindparam("size"))
)
PAGE = prepare(AFTER)
# For an operator: it reads all accounts up to the last one.
DISABLED_PAGE = prepare(AFTER.where(accounts.c.disabled_at.is_not(None)))
INSERT = prepare(insert(accounts).returning(*accounts.c))
SAVE = prepare(
    update(accounts)
    .where(IS_USER)
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in (
                "username",
                "username_key",
                "email",
                "bio",
                "image",
                "password_hash",
                "session_epoch",
                "surviving_session",
                "disabled_at",
            )
        }
        # An unchanged address keeps its key, which may be that of `email_as_typed`.
        | {
            "email_key": case(
                (accounts.c.email == bindparam("new_email"), accounts.c.email_key),
                else_=bindparam("new_email_key"),
            )
        }
    )
)
DELETE = prepare(delete(accounts).where(IS_USER))
REVOKE_ALL_SESSIONS = prepare(update(accounts).values(session_epoch=RandomHex(), surviving_session=None))
REPLACE_HASH = prepare(
    update(accounts)
    .where(IS_USER, accounts.c.password_hash == bindparam("old_hash"))
    .values(password_hash=bindparam("new_hash"))
)
TAKEN_KEYS = prepare(
    select(accounts.c.username_key, accounts.c.email_key).where(
        or_(
            accounts.c.username_key == bindparam("username_key"),
            accounts.c.email_key == bindparam("email_key"),
        ),
        accounts.c.id != bindparam("exclude_id"),
    )
)


class SqlAccounts:
    """Stores accounts in `users_account`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: NewAccount) -> Account:
        row = account_row(account)
        try:
            async with self._database.translating_violations(CONSTRAINT_ERRORS):
                inserted = await self._database.fetch_one(INSERT, row)
        except AccountTaken as taken:
            raise await self._all_conflicts(taken, account.username.text, account.email.text) from taken
        return _account(inserted)

    async def by_id(self, user_id: UserId) -> Account:
        return await self._get(BY_ID, user_id)

    async def get_for_update(self, user_id: UserId) -> Account:
        return await self._get(LOCK_FOR_UPDATE, user_id)

    async def get_for_deletion(self, user_id: UserId) -> Account:
        return await self._get(LOCK_FOR_DELETION, user_id)

    async def by_email(self, email: str) -> Account | None:
        as_typed, key = email_as_typed(email), email_key(email)
        rows = {
            row.email_key: row for row in await self._database.fetch_all(BY_EMAIL, {"keys": {as_typed, key}})
        }
        row = rows.get(as_typed) or rows.get(key)
        return None if row is None else _account(row)

    async def by_username_or_email(self, name: str) -> Sequence[Account]:
        row = await self._database.fetch_one(BY_USERNAME, {"key": username_key(name)})
        found = [row and _account(row), await self.by_email(name)]
        return list({account.id: account for account in found if account}.values())

    async def page(self, after: UserId, limit: int, *, disabled_only: bool) -> Sequence[Account]:
        statement = DISABLED_PAGE if disabled_only else PAGE
        return [
            _account(row)
            for row in await self._database.fetch_all(statement, {"after": after, "size": limit})
        ]

    async def save(self, account: Account) -> None:
        values = _name_columns(account.username, account.email) | {
            "bio": account.bio,
            "image": account.image,
            "password_hash": account.password_hash,
            "session_epoch": account.sessions.epoch,
            "surviving_session": account.sessions.surviving_id,
            "disabled_at": account.disabled_at,
        }
        parameters = {f"new_{name}": value for name, value in values.items()}
        try:
            async with self._database.translating_violations(CONSTRAINT_ERRORS):
                await self._database.execute(SAVE, {"user_id": account.id, **parameters})
        except AccountTaken as taken:
            raise await self._all_conflicts(
                taken, account.username, account.email, exclude_id=account.id
            ) from taken

    async def delete(self, account: Account) -> None:
        await self._database.execute(DELETE, {"user_id": account.id})

    async def revoke_all_sessions(self) -> None:
        await self._database.execute(REVOKE_ALL_SESSIONS)

    async def replace_hash(self, user_id: UserId, old: str, new: str) -> None:
        await self._database.execute(REPLACE_HASH, {"user_id": user_id, "old_hash": old, "new_hash": new})

    async def _get(self, statement: PreparedStatement, user_id: UserId) -> Account:
        row = await self._database.fetch_one(statement, {"user_id": user_id})
        if row is None:
            raise TokenInvalid
        return _account(row)

    async def _all_conflicts(
        self, taken: AccountTaken, username: str, email: str, *, exclude_id: UserId | None = None
    ) -> AccountTaken:
        # The database reports only the first violated constraint; the API reports both fields.
        keys = {"username": username_key(username), "email": email_key(email)}
        parameters = {
            "username_key": keys["username"],
            "email_key": keys["email"],
            "exclude_id": exclude_id or 0,
        }
        taken_keys = {key for row in await self._database.fetch_all(TAKEN_KEYS, parameters) for key in row}
        return AccountTaken({*taken.problems, *(field for field, key in keys.items() if key in taken_keys)})


def account_row(account: NewAccount) -> dict[str, str | int | None]:
    """Return the column values of a new account."""
    return _name_columns(account.username.text, account.email.text) | {
        "bio": None,
        "image": None,
        "password_hash": account.password_hash,
        "session_epoch": ValidSessions.none().epoch,
        "surviving_session": None,
        "disabled_at": None,
    }


def _name_columns(username: str, email: str) -> dict[str, str | int | None]:
    return {
        "username": username,
        "username_key": username_key(username),
        "email": email,
        "email_key": email_key(email),
    }


def _account(row: Any) -> Account:
    return Account(
        id=UserId(row.id),
        username=row.username,
        email=row.email,
        bio=row.bio,
        image=row.image,
        password_hash=row.password_hash,
        sessions=ValidSessions(row.session_epoch, row.surviving_session),
        disabled_at=row.disabled_at,
    )
