"""The use cases of accounts."""

from collections.abc import Mapping
from dataclasses import dataclass

from modules.kernel.domain.events import EventPublisher
from modules.kernel.domain.idempotency import IdempotencyStore, IdempotentRequest
from modules.kernel.domain.identity import Principal, TokenInvalid, UserId
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
from modules.users.domain.registration_throttle import RegistrationThrottle
from modules.users.domain.values import Email, Password, SubmittedSecret, Username


@dataclass(frozen=True, slots=True)
class AuthenticatedAccount:
    """An account with a valid token."""

    account: Account
    token: str
    has_new_email: bool = False
    """Whether this update has changed the e-mail."""

    @property
    def email(self) -> str:
        """The account's e-mail address."""
        return self.account.email

    @property
    def username(self) -> str:
        """The account's username."""
        return self.account.username

    @property
    def bio(self) -> str | None:
        """The account's bio."""
        return self.account.bio

    @property
    def image(self) -> str | None:
        """The URL of the account's image."""
        return self.account.image


class AccountService:
    """The use cases of accounts.

    Only registration, login and a new password issue a token; the others return the one that was sent.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one for each port, passed by the container
        self,
        unit_of_work: UnitOfWork,
        repository: AccountRepository,
        credentials: Credentials,
        registrations: RegistrationThrottle,
        tokens: TokenIssuer,
        events: EventPublisher,
        idempotency: IdempotencyStore,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._repository = repository
        self._credentials = credentials
        self._registrations = registrations
        self._tokens = tokens
        self._events = events
        self._idempotency = idempotency

    async def register(
        self,
        username: Username,
        email: Email,
        password: Password,
        address: str,
        idempotency_key: IdempotentRequest | None = None,
    ) -> AuthenticatedAccount:
        """Register an account from a network address, or return the one with the same idempotency key.

        Raises `TooManyRegistrations`, `AccountTaken` if its username or e-mail is in use, `CommonPassword`,
        `IdempotencyKeyReused`, or `RegistrationRevoked` or `AccountDisabled` if that has happened since.
        """
        await self._registrations.record(address)
        # Hash before the transaction: it takes tens of milliseconds, and SQLite has one writer.
        new_account = NewAccount(username, email, await self._credentials.hash_new(password))
        async with self._unit_of_work.transaction():
            if idempotency_key is None:
                account = await self._repository.add(new_account)
            else:
                account = await self._add_idempotently(new_account, idempotency_key)
        return self._with_new_session(account)

    async def log_in(
        self, email: SubmittedSecret, password: SubmittedSecret, address: str
    ) -> AuthenticatedAccount:
        """Return the account with these credentials, submitted from a network address.

        Raises `InvalidCredentials`, `TooManyLoginAttempts` after too many failures, or `AccountDisabled`.
        """
        account = await self._repository.by_email(email.text)
        password_hash = None if account is None else account.password_hash
        verified = await self._credentials.verify(email.text, password_hash, password, address)
        if not verified or account is None:
            raise InvalidCredentials
        account.require_enabled()
        new_hash = await self._credentials.rehash_if_outdated(account.password_hash, password)
        if new_hash is not None:
            async with self._unit_of_work.transaction():
                await self._repository.replace_hash(account.id, account.password_hash, new_hash)
        # If the password was changed since, this token is of the previous epoch, and invalid.
        return self._with_new_session(account)

    async def id_of(self, email: SubmittedSecret) -> UserId | None:
        """Return the account with this e-mail, for the audit trail only."""
        account = await self._repository.by_email(email.text)
        return None if account is None else account.id

    async def current(self, principal: Principal) -> AuthenticatedAccount:
        """Return the account of the authenticated user."""
        return AuthenticatedAccount(await self._repository.by_id(principal.user_id), principal.token)

    async def update(self, principal: Principal, changes: AccountChanges) -> AuthenticatedAccount:
        """Update an account; a new password revokes all sessions but the caller's.

        Raises `TokenInvalid` if the caller's session was revoked in the meantime, `AccountTaken` if the
        new username or e-mail is in use, or `CommonPassword`.
        """
        password_hash = (
            None if changes.password is None else await self._credentials.hash_new(changes.password)
        )
        async with self._unit_of_work.transaction():
            account = await self._repository.get_for_update(principal.user_id)
            account.require_session(principal.session)
            changed = account.with_changes(changes, password_hash, principal.session)
            await self._repository.save(changed)
            if changed.email != account.email:
                await self._credentials.forget(account.email)
            if changed.username != account.username:
                await self._events.publish(UserRenamed(account.id))
        token = principal.token
        if password_hash is not None:
            token = self._tokens.reissue(changed, principal.session)
        return AuthenticatedAccount(changed, token, has_new_email=changed.email != account.email)

    async def delete(self, principal: Principal, password: SubmittedSecret, address: str) -> None:
        """Delete an account with all its owner's data in every module.

        Raises `WrongPassword`, `TooManyLoginAttempts`, `TokenInvalid` if the caller's session was revoked
        or the password changed in the meantime, and any error raised by another module's handler.
        """
        verified = await self._repository.by_id(principal.user_id)
        verified.require_session(principal.session)
        if not await self._credentials.verify(verified.email, verified.password_hash, password, address):
            raise WrongPassword
        async with self._unit_of_work.transaction():
            account = await self._repository.get_for_deletion(principal.user_id)
            account.require_session(principal.session)
            account.require_password_hash(verified.password_hash)
            await self.erase(account)

    async def erase(self, account: Account) -> None:
        """Delete a locked account with all its owner's data in every module, in the open transaction."""
        await self._repository.delete(account)
        await self._idempotency.delete_for_user(account.id)
        await self._credentials.forget(account.email)
        await self._events.publish(UserDeleted(account.id))

    async def export_personal_data(self, user_id: UserId) -> Mapping[str, object]:
        """Return the stored data of an account, without its secrets."""
        return (await self._repository.by_id(user_id)).export_personal_data()

    async def log_out_everywhere(self, principal: Principal) -> None:
        """Revoke every session of an account; raise `TokenInvalid` if the caller's was revoked already."""
        async with self._unit_of_work.transaction():
            account = await self._repository.get_for_update(principal.user_id)
            account.require_session(principal.session)
            await self._repository.save(account.with_sessions_revoked())

    async def revoke_all_sessions(self) -> None:
        """Revoke every session of every account, because the database was restored from a backup.

        Otherwise sessions revoked after the backup would be valid again, and tokens of accounts registered
        after it would be valid for the accounts that get the same ids.
        """
        async with self._unit_of_work.transaction():
            await self._repository.revoke_all_sessions()

    async def _add_idempotently(self, new_account: NewAccount, idempotency_key: IdempotentRequest) -> Account:
        async def add() -> str:
            account = await self._repository.add(new_account)
            return f"{account.id} {account.sessions.epoch}"

        # Store only the id and the epoch and not the response, because a token is a secret.
        user_id, _, epoch = (await self._idempotency.run(idempotency_key, None, add)).partition(" ")
        try:
            account = await self._repository.by_id(UserId(int(user_id)))
        except TokenInvalid as error:
            raise RegistrationRevoked from error
        if account.sessions.epoch != epoch:
            raise RegistrationRevoked
        account.require_enabled()
        return account

    def _with_new_session(self, account: Account) -> AuthenticatedAccount:
        return AuthenticatedAccount(account, self._tokens.issue(account))
