"""What can be done with accounts."""

from collections.abc import Mapping
from dataclasses import dataclass

from modules.kernel.domain.events import EventPublisher
from modules.kernel.domain.idempotency import IdempotencyStore, IdempotentRequest
from modules.kernel.domain.identity import TokenInvalid, UserId
from modules.kernel.domain.unit_of_work import UnitOfWork
from modules.users.contracts import UserDeleted, UserRenamed
from modules.users.domain.account import (
    Account,
    AccountChanges,
    AccountRepository,
    InvalidCredentials,
    NewAccount,
    RegistrationRevoked,
    TokenIssuer,
    WrongPassword,
)
from modules.users.domain.credentials import Credentials
from modules.users.domain.values import Email, Password, SubmittedSecret, Username


@dataclass(frozen=True, slots=True)
class AuthenticatedAccount:
    """An account with a token that is good now."""

    account: Account
    token: str


class AccountService:
    """The use cases of accounts. Each answer carries a fresh token."""

    def __init__(  # noqa: PLR0913, PLR0917 - one for each thing outside of the rules, given by the container
        self,
        unit_of_work: UnitOfWork,
        repository: AccountRepository,
        credentials: Credentials,
        tokens: TokenIssuer,
        events: EventPublisher,
        idempotency: IdempotencyStore,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._repository = repository
        self._credentials = credentials
        self._tokens = tokens
        self._events = events
        self._idempotency = idempotency

    async def register(
        self,
        username: Username,
        email: Email,
        password: Password,
        idempotency_key: IdempotentRequest | None = None,
    ) -> AuthenticatedAccount:
        """Open an account, or return the one that the same keyed request has opened.

        Raises `AccountTaken` if its name or e-mail is in use, `CommonPassword`, `IdempotencyKeyReused`, or
        `RegistrationRevoked` if its first answer would open the account no longer.
        """
        # Hashed before the transaction begins: tens of milliseconds that nobody should wait for.
        new = NewAccount(username, email, await self._credentials.hash_new(password))
        async with self._unit_of_work.transaction():
            if idempotency_key is None:
                account = await self._repository.add(new)
            else:
                account = await self._add_idempotently(new, idempotency_key)
        return self._authenticated(account)

    async def log_in(
        self, email: SubmittedSecret, password: SubmittedSecret, address: str
    ) -> AuthenticatedAccount:
        """Return the account that these credentials, sent from a network address, open.

        Raises `InvalidCredentials` if they open none, and `TooManyLoginAttempts` after many that did not.
        """
        account = await self._repository.by_email(email.text)
        password_hash = None if account is None else account.password_hash
        proven = await self._credentials.verify(email.text, password_hash, password, address)
        if not proven or account is None:
            raise InvalidCredentials
        new_hash = await self._credentials.rehash_if_outdated(account.password_hash, password)
        if new_hash is not None:
            async with self._unit_of_work.transaction():
                await self._repository.replace_hash(account.id, account.password_hash, new_hash)
        return self._authenticated(account)

    async def current(self, user: UserId) -> AuthenticatedAccount:
        """Return one's own account."""
        return self._authenticated(await self._repository.by_id(user))

    async def update(self, user: UserId, changes: AccountChanges) -> AuthenticatedAccount:
        """Change one's own account; raise `AccountTaken` if its new name or e-mail is in use.

        A new password ends every token issued before; raises `CommonPassword` for one that is guessed first.
        """
        password_hash = (
            None if changes.password is None else await self._credentials.hash_new(changes.password)
        )
        async with self._unit_of_work.transaction():
            account = await self._repository.get_for_update(user)
            changed = account.changed(changes, password_hash)
            await self._repository.save(changed)
            if changed.username != account.username:
                await self._events.publish(UserRenamed(user))
        return self._authenticated(changed)

    async def delete(self, user: UserId, password: SubmittedSecret, address: str) -> None:
        """Delete one's own account, with all that its owner has anywhere.

        Raises `WrongPassword`, `TooManyLoginAttempts`, and whatever keeps another module from letting go.
        """
        account = await self._repository.by_id(user)
        if not await self._credentials.verify(account.email, account.password_hash, password, address):
            raise WrongPassword
        async with self._unit_of_work.transaction():
            await self._repository.remove(await self._repository.get_for_update(user))
            await self._idempotency.forget(user)
            await self._events.publish(UserDeleted(user))

    async def export_personal_data(self, user: UserId) -> Mapping[str, object]:
        """Return what is kept of one's own account, but for what proves who its owner is."""
        return (await self._repository.by_id(user)).export_personal_data()

    async def log_out_everywhere(self, user: UserId) -> None:
        """End every session of one's own account: every token issued until now."""
        async with self._unit_of_work.transaction():
            account = await self._repository.get_for_update(user)
            await self._repository.save(account.with_sessions_revoked())

    async def _add_idempotently(self, new: NewAccount, idempotency_key: IdempotentRequest) -> Account:
        async def add() -> str:
            return str((await self._repository.add(new)).id)

        # Only the id is kept of the answer, because a token is a secret.
        user = UserId(int(await self._idempotency.run(idempotency_key, None, add)))
        try:
            account = await self._repository.by_id(user)
        except TokenInvalid as error:
            raise RegistrationRevoked from error
        account.require_no_revoked_sessions()
        return account

    def _authenticated(self, account: Account) -> AuthenticatedAccount:
        return AuthenticatedAccount(account, self._tokens.issue(account))
