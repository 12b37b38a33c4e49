"""Accounts that are there without anybody having registered: hashing a password takes a while."""

from sqlalchemy import delete

from modules.kernel.domain.identity import UserId
from modules.users.container import UsersContainer
from modules.users.domain.account import Account, NewAccount
from modules.users.domain.values import Email, Username
from modules.users.infrastructure.tables import AccountRow


async def keep(
    users: UsersContainer, name: str = "jake", email: str | None = None, password_hash: str | None = None
) -> Account:
    """Keep an account and return it."""
    address = Email(email or f"{name}@example.com")
    return await users.repository().add(NewAccount(Username(name), address, password_hash or "hash"))


async def kept(users: UsersContainer, user: UserId) -> Account:
    """Return an account as it is kept."""
    return await users.repository().by_id(user)


async def forget(users: UsersContainer, user: UserId) -> None:
    """Delete an account as no use case does yet."""
    async with users.database().transaction() as session:
        await session.execute(delete(AccountRow).where(AccountRow.id == user))
