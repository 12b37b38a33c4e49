"""The ports of users in memory."""

from dataclasses import replace

from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.fakes import FakeUnitOfWork
from modules.users.domain.account import Account, AccountTaken, NewAccount
from modules.users.domain.values import Password, SubmittedSecret, email_key, username_key


class FakeAccounts:
    """Keeps accounts in a dictionary."""

    def __init__(self, unit_of_work: FakeUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self.kept: dict[UserId, Account] = {}

    async def add(self, account: NewAccount) -> Account:
        self._unit_of_work.require_transaction()
        new = Account(
            id=UserId(len(self.kept) + 1),
            username=account.username.text,
            email=account.email.text,
            bio=None,
            image=None,
            password_hash=account.password_hash,
            token_version=0,
        )
        self._keep(new)
        return new

    async def by_id(self, user: UserId) -> Account:
        if user not in self.kept:
            raise TokenInvalid
        return self.kept[user]

    async def get_for_update(self, user: UserId) -> Account:
        self._unit_of_work.require_transaction()
        return await self.by_id(user)

    async def by_email(self, email: str) -> Account | None:
        found = [account for account in self.kept.values() if email_key(account.email) == email_key(email)]
        return found[0] if found else None

    async def save(self, account: Account) -> None:
        self._unit_of_work.require_transaction()
        self._keep(account)

    async def delete(self, account: Account) -> None:
        self._unit_of_work.require_transaction()
        del self.kept[account.id]

    async def replace_hash(self, user: UserId, old: str, new: str) -> None:
        self._unit_of_work.require_transaction()
        account = self.kept[user]
        if account.password_hash == old:
            self.kept[user] = replace(account, password_hash=new)

    def _keep(self, account: Account) -> None:
        others = [other for other in self.kept.values() if other.id != account.id]
        taken = set()
        if username_key(account.username) in {username_key(other.username) for other in others}:
            taken.add("username")
        if email_key(account.email) in {email_key(other.email) for other in others}:
            taken.add("email")
        if taken:
            raise AccountTaken(taken)
        self.kept[account.id] = account


class FakePasswords:
    """Hashes a password to itself, with the strength that is asked for today."""

    def __init__(self) -> None:
        self.strength = "weak"
        self.verified: list[str | None] = []

    async def hash(self, password: Password | SubmittedSecret) -> str:
        return f"{self.strength} {password.text}"

    async def verify(self, password_hash: str | None, password: SubmittedSecret) -> bool:
        self.verified.append(password_hash)
        return password_hash is not None and password_hash.partition(" ")[2] == password.text

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(self.strength)


class FakeAttempts:
    """Remembers the attempts that were begun and not known to have succeeded."""

    def __init__(self) -> None:
        self.failed: list[tuple[str, str]] = []

    async def record(self, email: str, address: str) -> None:
        self.failed.append((email, address))

    async def reset(self, email: str, address: str) -> None:
        self.failed.remove((email, address))


class FakeTokens:
    """Issues tokens that anyone can read."""

    def issue(self, account: Account) -> str:
        return f"user {account.id}, version {account.token_version}"
