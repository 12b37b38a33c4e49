"""The account, its errors and its ports."""

import secrets  # conduit: allow pure-domain: an epoch is compared for equality only, and must not be guessed
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from modules.kernel.domain.errors import Conflict, Forbidden, Invalid, Unauthenticated
from modules.kernel.domain.idempotency import HEADER
from modules.kernel.domain.identity import AccountDisabled, Session, TokenInvalid, UserId
from modules.users.domain.values import Bio, Email, Image, Password, SubmittedSecret, Username

# 128 bits: no two epochs are ever equal, of one account or of two.
EPOCH_BYTES = 16


class InvalidCredentials(Unauthenticated):
    """No account has this e-mail and password; does not reveal which of the two is wrong."""

    subject, problem = "credentials", "invalid"


class WrongPassword(Forbidden):
    """The token was valid, but the password that confirms the request was not."""

    subject, problem = "password", "is wrong"


class AccountTaken(Conflict):
    """Another account has this username or e-mail, or both."""

    def __init__(self, subjects: Collection[str]) -> None:
        super().__init__(" and ".join(sorted(subjects)))
        self._subjects = subjects

    @property
    def problems(self) -> dict[str, str]:
        """Every taken field with its problem."""
        return dict.fromkeys(sorted(self._subjects), self.problem)


class RegistrationRevoked(Conflict):
    """The sessions of this registration were revoked, so a retry must not get a new token."""

    subject = HEADER
    problem = "belongs to a registration whose account was deleted, logged out or got a new password"


class CommonPassword(Invalid):
    """The password is on the blocklist (NIST SP 800-63B, 5.1.1.2)."""

    subject, problem = "password", "is one of the most common passwords"


@dataclass(frozen=True, slots=True)
class ValidSessions:
    """The sessions of an account that are not revoked: those of its epoch, and the one that began it.

    A session that changes the password survives the new epoch, because RealWorld clients go on with the
    token that they have.
    """

    epoch: str
    surviving_id: str | None = None

    @classmethod
    def none(cls) -> "ValidSessions":
        """Return a new epoch, which no session belongs to."""
        return cls(secrets.token_hex(EPOCH_BYTES))

    @classmethod
    def only(cls, session: Session) -> "ValidSessions":
        """Return a new epoch that only this session survives."""
        return cls(secrets.token_hex(EPOCH_BYTES), session.id)

    def include(self, session: Session) -> bool:
        """Return whether the session is valid."""
        return session.epoch == self.epoch or session.id == self.surviving_id


@dataclass(frozen=True, slots=True)
class Account:
    """One user's account.

    Its fields are plain text and not value objects: rules that became stricter later must not lock
    existing users out.
    """

    id: UserId
    username: str
    email: str
    bio: str | None
    image: str | None
    password_hash: str
    sessions: ValidSessions
    disabled_at: datetime | None = None
    """When an operator disabled it."""

    def with_changes(
        self, changes: "AccountChanges", password_hash: str | None, session: Session
    ) -> "Account":
        """Return the account after these changes; a new password hash revokes all sessions but this one."""
        return replace(
            self,
            username=changes.username.text if changes.username else self.username,
            email=changes.email.text if changes.email else self.email,
            bio=changes.bio.text if changes.bio else self.bio,
            image=changes.image.text if changes.image else self.image,
            password_hash=password_hash or self.password_hash,
            sessions=self.sessions if password_hash is None else ValidSessions.only(session),
        )

    def export_personal_data(self) -> Mapping[str, object]:
        """Return the stored data of the account, without its secrets."""
        data = {"username": self.username, "email": self.email, "bio": self.bio, "image": self.image}
        return data if self.disabled_at is None else {**data, "disabledAt": self.disabled_at}

    def require_session(self, session: Session) -> None:
        """Raise `TokenInvalid` if this session was revoked, or `AccountDisabled`."""
        if not self.sessions.include(session):
            raise TokenInvalid
        self.require_enabled()

    def require_enabled(self) -> None:
        """Raise `AccountDisabled` if an operator has disabled the account."""
        if self.disabled_at is not None:
            raise AccountDisabled

    def require_password_hash(self, verified_hash: str) -> None:
        """Raise `TokenInvalid` if the password hash is no longer the one that was verified."""
        if self.password_hash != verified_hash:
            raise TokenInvalid

    def with_sessions_revoked(self) -> "Account":
        """Return the account with every session revoked."""
        return replace(self, sessions=ValidSessions.none())

    def with_password(self, password_hash: str) -> "Account":
        """Return the account with another password and every session revoked."""
        return replace(self.with_sessions_revoked(), password_hash=password_hash)

    def disabled(self, at: datetime) -> "Account":
        """Return the account disabled since then."""
        return replace(self, disabled_at=self.disabled_at or at)

    def enabled(self) -> "Account":
        """Return the account enabled, with every session revoked that it had before."""
        return replace(self.with_sessions_revoked(), disabled_at=None)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to insert."""

    username: Username
    email: Email
    password_hash: str


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """Changes to an account; None leaves a field unchanged."""

    username: Username | None = None
    email: Email | None = None
    password: Password | None = None
    bio: Bio | None = None
    image: Image | None = None


class AccountRepository(Protocol):
    """Stores accounts."""

    async def add(self, account: NewAccount) -> Account:
        """Insert an account and return it; raise `AccountTaken` if its username or e-mail is in use."""
        ...

    async def by_id(self, user_id: UserId) -> Account:
        """Return the account; raise `TokenInvalid` if it was deleted, as the id comes from its token."""
        ...

    async def get_for_update(self, user_id: UserId) -> Account:
        """Return the account as `by_id` does, and lock it until the transaction ends."""
        ...

    async def get_for_deletion(self, user_id: UserId) -> Account:
        """Return the account as `get_for_update` does, after every transaction that locked its id."""
        ...

    async def by_email(self, email: str) -> Account | None:
        """Return the account with this e-mail, matched case-insensitively, or None."""
        ...

    async def by_username_or_email(self, name: str) -> Sequence[Account]:
        """Return the account with this username, and the one with this e-mail, if it is another one."""
        ...

    async def page(self, after: UserId, limit: int, *, disabled_only: bool) -> Sequence[Account]:
        """Return so many accounts with a greater id, the oldest first."""
        ...

    async def save(self, account: Account) -> None:
        """Update an account; raise `AccountTaken` if its new username or e-mail is in use."""
        ...

    async def delete(self, account: Account) -> None:
        """Delete an account."""
        ...

    async def revoke_all_sessions(self) -> None:
        """Revoke every session of every account."""
        ...

    async def replace_hash(self, user_id: UserId, old: str, new: str) -> None:
        """Update the hash of the same password; do nothing if the stored hash is no longer `old`."""
        ...


class PasswordHasher(Protocol):
    """Hashes passwords outside the event loop. `hash` and `verify` raise `Unavailable` if too many wait."""

    async def hash(self, password: Password | SubmittedSecret) -> str:
        """Return a salted hash."""
        ...

    async def verify(self, password_hash: str | None, password: SubmittedSecret) -> bool:
        """Return whether the password matches. Without a hash, return False after the same time."""
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether the hash has other parameters than the current ones."""
        ...


class TokenIssuer(Protocol):
    """Issues tokens."""

    def issue(self, account: Account) -> str:
        """Return a token that starts a session of the account's owner, valid until it expires."""
        ...

    def reissue(self, account: Account, session: Session) -> str:
        """Return a token that continues a session, valid until it or the session expires."""
        ...
