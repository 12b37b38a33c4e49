"""The account, its errors and its ports."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from modules.kernel.domain.errors import Conflict, Forbidden, Invalid, Unauthenticated
from modules.kernel.domain.idempotency import HEADER
from modules.kernel.domain.identity import UserId
from modules.users.domain.values import Bio, Email, Image, Password, SubmittedSecret, Username


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
    problem = "belongs to a registration whose account was deleted or logged out"


class CommonPassword(Invalid):
    """The password is on the blocklist (NIST SP 800-63B, 5.1.1.2)."""

    subject, problem = "password", "is one of the most common passwords"


@dataclass(frozen=True, slots=True)
class Account:
    """One user's account.

    Its fields are plain text and not value objects: rules that became stricter later must not lock
    existing users out. A token is valid only for the `token_version` it was issued at.
    """

    id: UserId
    username: str
    email: str
    bio: str | None
    image: str | None
    password_hash: str
    token_version: int

    def with_changes(self, changes: "AccountChanges", password_hash: str | None) -> "Account":
        """Return the account after these changes; a new password hash revokes all older tokens."""
        return replace(
            self,
            username=changes.username.text if changes.username else self.username,
            email=changes.email.text if changes.email else self.email,
            bio=changes.bio.text if changes.bio else self.bio,
            image=changes.image.text if changes.image else self.image,
            password_hash=password_hash or self.password_hash,
            token_version=self.token_version + (password_hash is not None),
        )

    def export_personal_data(self) -> Mapping[str, object]:
        """Return the stored data of the account, without its secrets."""
        return {"username": self.username, "email": self.email, "bio": self.bio, "image": self.image}

    def require_no_revoked_sessions(self) -> None:
        """Raise `RegistrationRevoked` if tokens of this account were revoked, the first one among them."""
        if self.token_version > 0:
            raise RegistrationRevoked

    def with_sessions_revoked(self) -> "Account":
        """Return the account with every token issued until now revoked."""
        return replace(self, token_version=self.token_version + 1)


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

    async def by_email(self, email: str) -> Account | None:
        """Return the account with this e-mail, matched case-insensitively, or None."""
        ...

    async def save(self, account: Account) -> None:
        """Update an account; raise `AccountTaken` if its new username or e-mail is in use."""
        ...

    async def delete(self, account: Account) -> None:
        """Delete an account."""
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
        """Return a token that authenticates its bearer as the account's owner until it expires."""
        ...
