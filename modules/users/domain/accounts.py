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
    CredentialsInvalid,
    NewAccount,
    PasswordWrong,
    RegistrationRevoked,
    TokenIssuer,
)
from modules.users.domain.credentials import Credentials
from modules.users.domain.values import Email, Password, Presented, Username


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account with a token that is good now."""

    account: Account
    token: str


class Accounts:
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
    ) -> SignedIn:
        """Open an account, or return the one that the same keyed request has opened.

        Raises `AccountTaken` if its name or e-mail is in use, `PasswordCommon`, `IdempotencyKeyReused`, or
        `RegistrationRevoked` if its first answer would open the account no longer.
        """
        # Hashed before the transaction begins: tens of milliseconds that nobody should wait for.
        new = NewAccount(username, email, await self._credentials.choose(password))
        async with self._unit_of_work.transaction():
            if idempotency_key is None:
                account = await self._repository.add(new)
            else:
                account = await self._add_idempotently(new, idempotency_key)
        return self._signed_in(account)

    async def log_in(self, email: Presented, password: Presented, address: str) -> SignedIn:
        """Return the account that these credentials, sent from a network address, open.

        Raises `CredentialsInvalid` if they open none, and `TooManyAttempts` after many that did not.
        """
        account = await self._repository.by_email(email.text)
        password_hash = None if account is None else account.password_hash
        proven = await self._credentials.prove(email.text, password_hash, password, address)
        if not proven or account is None:
            raise CredentialsInvalid
        new_hash = await self._credentials.renew(account.password_hash, password)
        if new_hash is not None:
            async with self._unit_of_work.transaction():
                await self._repository.replace_hash(account.id, account.password_hash, new_hash)
        return self._signed_in(account)

    async def current(self, user: UserId) -> SignedIn:
        """Return one's own account."""
        return self._signed_in(await self._repository.by_id(user))

    async def update(self, user: UserId, changes: AccountChanges) -> SignedIn:
        """Change one's own account; raise `AccountTaken` if its new name or e-mail is in use.

        A new password ends every token issued before; raises `PasswordCommon` for one that is guessed first.
        """
        password_hash = None if changes.password is None else await self._credentials.choose(changes.password)
        async with self._unit_of_work.transaction():
            account = await self._repository.get_for_update(user)
            changed = account.changed(changes, password_hash)
            await self._repository.save(changed)
            if changed.username != account.username:
                await self._events.publish(UserRenamed(user))
        return self._signed_in(changed)

    async def delete(self, user: UserId, password: Presented, address: str) -> None:
        """Delete one's own account, with all that its owner has anywhere.

        Raises `PasswordWrong`, `TooManyAttempts`, and whatever keeps another module from letting go.
        """
        account = await self._repository.by_id(user)
        if not await self._credentials.prove(account.email, account.password_hash, password, address):
            raise PasswordWrong
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
            await self._repository.save(account.logged_out())

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

    def _signed_in(self, account: Account) -> SignedIn:
        return SignedIn(account, self._tokens.issue(account))
