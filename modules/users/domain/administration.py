"""The use cases of operators: accounts that are not their own."""

import re
import secrets  # conduit: allow pure-domain: a password must not be guessed
from collections.abc import Awaitable, Callable, Sequence

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.errors import Invalid, NotFound
from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.users.domain.account import Account, AccountRepository
from modules.users.domain.credentials import Credentials
from modules.users.domain.service import AccountService
from modules.users.domain.values import Password

PASSWORD_BYTES = 18


class AccountNotFound(NotFound):
    """No account has this username, e-mail or id."""

    subject = "account"


class AmbiguousName(Invalid):
    """The username of one account is the e-mail of another one."""

    subject = "account"

    def __init__(self, accounts: Sequence[Account]) -> None:
        super().__init__(problem=f"is one of {' and '.join(f'#{account.id}' for account in accounts)}")


class AccountAdministration:
    """Shows, disables and deletes accounts, and ends their sessions.

    `name` is a username, an e-mail, or an id as #7. Each use case returns the account after it, or raises
    `AccountNotFound` or `AmbiguousName`.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        repository: AccountRepository,
        credentials: Credentials,
        accounts: AccountService,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._repository = repository
        self._credentials = credentials
        self._accounts = accounts
        self._clock = clock

    async def find(self, name: str) -> Account:
        """Return the account."""
        if re.fullmatch("#[0-9]{1,18}", name):
            return await self._existing(self._repository.by_id(UserId(int(name[1:]))))
        found = await self._repository.by_username_or_email(name)
        if not found:
            raise AccountNotFound
        if len(found) > 1:
            raise AmbiguousName(found)
        return found[0]

    async def page(self, after: UserId, limit: int, *, disabled_only: bool) -> Sequence[Account]:
        """Return so many accounts with a greater id, the oldest first."""
        return await self._repository.page(after, limit, disabled_only=disabled_only)

    async def disable(self, name: str) -> Account:
        """Disable an account: it cannot log in, and its tokens are those of nobody."""
        return await self._change(name, lambda account: account.disabled(self._clock.now()))

    async def enable(self, name: str) -> Account:
        """Enable an account; it must log in again."""
        return await self._change(name, Account.enabled)

    async def revoke_sessions(self, name: str) -> Account:
        """End all sessions of an account."""
        return await self._change(name, Account.with_sessions_revoked)

    async def reset_password(self, name: str) -> tuple[Account, str]:
        """Set a new random password and end all sessions; return the password, too."""
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        # Before the transaction, as at a registration.
        password_hash = await self._credentials.hash_new(Password(password))
        account = await self._change(name, lambda account: account.with_password(password_hash))
        return account, password

    async def delete(self, name: str) -> Account:
        """Delete an account with all its owner's data in every module."""
        found = await self.find(name)
        async with self._unit_of_work.transaction():
            account = await self._existing(self._repository.get_for_deletion(found.id))
            await self._accounts.erase(account)
        return account

    async def _change(self, name: str, change: Callable[[Account], Account]) -> Account:
        found = await self.find(name)
        async with self._unit_of_work.transaction():
            changed = change(await self._existing(self._repository.get_for_update(found.id)))
            await self._repository.save(changed)
        return changed

    async def _existing(self, looked_up: Awaitable[Account]) -> Account:
        try:
            return await looked_up
        except TokenInvalid as error:
            # It was deleted meanwhile.
            raise AccountNotFound from error
