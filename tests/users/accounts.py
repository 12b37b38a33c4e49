"""Accounts inserted by the repository: registering them would hash a password each."""

from sqlalchemy import delete

from modules.kernel.domain.identity import Principal, Session, UserId
from modules.users.container import UsersContainer
from modules.users.domain.account import Account, NewAccount
from modules.users.domain.values import Email, Username
from modules.users.infrastructure.tables import AccountRow


async def insert_account(
    users: UsersContainer, name: str = "jake", email: str | None = None, password_hash: str | None = None
) -> Account:
    """Insert an account and return it."""
    address = Email(email or f"{name}@example.com")
    return await users.repository().add(NewAccount(Username(name), address, password_hash or "hash"))


async def stored_account(users: UsersContainer, user_id: UserId) -> Account:
    """Return an account as it is stored."""
    return await users.repository().by_id(user_id)


async def delete_account(users: UsersContainer, user_id: UserId) -> None:
    """Delete only the row of an account, without the use case's checks and events."""
    async with users.database().transaction() as session:
        await session.execute(delete(AccountRow).where(AccountRow.id == user_id))


def principal(account: Account) -> Principal:
    """Return the principal of a session of this account."""
    session = Session("laptop", account.sessions.epoch, 0)
    return Principal(account.id, session, 0, "the token that was sent")
