"""Accounts in the database."""

from sqlalchemy import Select, delete, or_, select, update

from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.domain.account import Account, AccountTaken, NewAccount
from modules.users.domain.values import email_key, username_key
from modules.users.infrastructure.tables import AccountRow

CONSTRAINT_ERRORS = {
    "uq_users_account_username_key": lambda: AccountTaken({"username"}),
    "uq_users_account_email_key": lambda: AccountTaken({"email"}),
}


class SqlAccounts:
    """Keeps accounts in `users_account`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: NewAccount) -> Account:
        """Keep a new account and return it; raise `AccountTaken` if its name or e-mail is in use."""
        row = AccountRow(**account_row(account))
        try:
            async with self._database.translating_violations(CONSTRAINT_ERRORS) as session:
                session.add(row)
        except AccountTaken as taken:
            raise await self._whole(taken, account.username.text, account.email.text) from taken
        return _account(row)

    async def by_id(self, user: UserId) -> Account:
        """Return the account; raise `TokenInvalid` if it is gone: only its own token leads here."""
        return await self._one(select(AccountRow).where(AccountRow.id == user))

    async def get_for_update(self, user: UserId) -> Account:
        """Return the account as `by_id` does, and keep others from changing it until the transaction ends."""
        return await self._one(select(AccountRow).where(AccountRow.id == user).with_for_update())

    async def by_email(self, email: str) -> Account | None:
        """Return the account with this address, in whatever case, or None."""
        async with self._database.snapshot() as session:
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == email_key(email)))
            return None if row is None else _account(row)

    async def save(self, account: Account) -> None:
        """Keep a changed account; raise `AccountTaken` if its new name or e-mail is in use."""
        values = _names(account.username, account.email) | {
            "bio": account.bio,
            "image": account.image,
            "password_hash": account.password_hash,
            "token_version": account.token_version,
        }
        try:
            async with self._database.translating_violations(CONSTRAINT_ERRORS) as session:
                await session.execute(update(AccountRow).where(AccountRow.id == account.id).values(values))
        except AccountTaken as taken:
            raise await self._whole(taken, account.username, account.email, but=account.id) from taken

    async def remove(self, account: Account) -> None:
        """Forget an account."""
        async with self._database.transaction() as session:
            await session.execute(delete(AccountRow).where(AccountRow.id == account.id))

    async def replace_hash(self, user: UserId, old: str, new: str) -> None:
        """Keep another hash of the same password; do nothing if the password was changed meanwhile."""
        async with self._database.transaction() as session:
            await session.execute(
                update(AccountRow)
                .where(AccountRow.id == user, AccountRow.password_hash == old)
                .values(password_hash=new)
            )

    async def _one(self, statement: Select[AccountRow]) -> Account:
        async with self._database.snapshot() as session:
            row = await session.scalar(statement)
            if row is None:
                raise TokenInvalid
            return _account(row)

    async def _whole(
        self, taken: AccountTaken, username: str, email: str, *, but: UserId | None = None
    ) -> AccountTaken:
        # A database names the first constraint that was broken; the contract names both.
        keys = {"username": username_key(username), "email": email_key(email)}
        async with self._database.snapshot() as session:
            rows = await session.execute(
                select(AccountRow.username_key, AccountRow.email_key).where(
                    or_(AccountRow.username_key == keys["username"], AccountRow.email_key == keys["email"]),
                    AccountRow.id != (but or 0),
                )
            )
            get_for_update = {key for row in rows for key in row}
        return AccountTaken(
            {*taken.problems, *(field for field, key in keys.items() if key in get_for_update)}
        )


def account_row(account: NewAccount) -> dict[str, str | int | None]:
    """Return the row of a new account."""
    return _names(account.username.text, account.email.text) | {
        "bio": None,
        "image": None,
        "password_hash": account.password_hash,
        "token_version": 0,
    }


def _names(username: str, email: str) -> dict[str, str | int | None]:
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
        token_version=row.token_version,
    )
