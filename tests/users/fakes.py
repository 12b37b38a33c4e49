"""The ports of users in memory."""

from collections.abc import Sequence
from dataclasses import replace

from modules.kernel.domain.identity import Session, TokenInvalid, UserId
from modules.kernel.fakes import FakeUnitOfWork
from modules.users.domain.account import Account, AccountTaken, NewAccount, ValidSessions
from modules.users.domain.values import Password, SubmittedSecret, email_key, username_key


class FakeAccounts:
    """Stores accounts in a dictionary."""

    def __init__(self, unit_of_work: FakeUnitOfWork) -> None:
        self._unit_of_work = unit_of_work
        self.by_user_id: dict[UserId, Account] = {}

    async def add(self, account: NewAccount) -> Account:
        self._unit_of_work.require_transaction()
        new = Account(
            id=UserId(len(self.by_user_id) + 1),
            username=account.username.text,
            email=account.email.text,
            bio=None,
            image=None,
            password_hash=account.password_hash,
            sessions=ValidSessions.none(),
        )
        self._store(new)
        return new

    async def by_id(self, user_id: UserId) -> Account:
        if user_id not in self.by_user_id:
            raise TokenInvalid
        return self.by_user_id[user_id]

    async def get_for_update(self, user_id: UserId) -> Account:
        self._unit_of_work.require_transaction()
        return await self.by_id(user_id)

    async def get_for_deletion(self, user_id: UserId) -> Account:
        return await self.get_for_update(user_id)

    async def by_email(self, email: str) -> Account | None:
        accounts = {email_key(account.email): account for account in self.by_user_id.values()}
        return accounts.get(email_key(email))

    async def by_username_or_email(self, name: str) -> Sequence[Account]:
        accounts = {username_key(account.username): account for account in self.by_user_id.values()}
        found = [accounts.get(username_key(name)), await self.by_email(name)]
        return list({account.id: account for account in found if account}.values())

    async def page(self, after: UserId, limit: int, *, disabled_only: bool) -> Sequence[Account]:
        accounts = [account for account in self.by_user_id.values() if account.id > after]
        return [account for account in accounts if account.disabled_at or not disabled_only][:limit]

    async def save(self, account: Account) -> None:
        self._unit_of_work.require_transaction()
        self._store(account)

    async def delete(self, account: Account) -> None:
        self._unit_of_work.require_transaction()
        del self.by_user_id[account.id]

    async def revoke_all_sessions(self) -> None:
        self._unit_of_work.require_transaction()
        for user_id, account in self.by_user_id.items():
            self.by_user_id[user_id] = account.with_sessions_revoked()

    async def replace_hash(self, user_id: UserId, old: str, new: str) -> None:
        self._unit_of_work.require_transaction()
        account = self.by_user_id[user_id]
        if account.password_hash == old:
            self.by_user_id[user_id] = replace(account, password_hash=new)

    def _store(self, account: Account) -> None:
        others = [other for other in self.by_user_id.values() if other.id != account.id]
        taken = set()
        if username_key(account.username) in {username_key(other.username) for other in others}:
            taken.add("username")
        if email_key(account.email) in {email_key(other.email) for other in others}:
            taken.add("email")
        if taken:
            raise AccountTaken(taken)
        self.by_user_id[account.id] = account


class FakePasswords:
    """Hashes a password to its text with the current strength before it."""

    def __init__(self) -> None:
        self.strength = "weak"

    async def hash(self, password: Password | SubmittedSecret) -> str:
        return f"{self.strength} {password.text}"

    async def verify(self, password_hash: str | None, password: SubmittedSecret) -> bool:
        return password_hash is not None and password_hash.partition(" ")[2] == password.text

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(self.strength)


class FakeLoginThrottle:
    """Records attempts until they are reset, and blocks none."""

    def __init__(self) -> None:
        self.failed: list[tuple[str, str]] = []

    async def record(self, email: str, address: str) -> None:
        self.failed.append((email, address))

    async def record_success(self, email: str, address: str) -> None:
        self.failed.remove((email, address))

    async def forget(self, email: str) -> None:
        self.failed = [attempt for attempt in self.failed if attempt[0] != email]


class FakeRegistrationThrottle:
    """Limits nothing."""

    async def record(self, address: str) -> None:
        pass


class FakeTokens:
    """Issues readable tokens."""

    def issue(self, account: Account) -> str:
        return f"new session of user {account.id}"

    def reissue(self, account: Account, session: Session) -> str:
        return f"session {session.id} of user {account.id}"
