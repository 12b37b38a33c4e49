"""The account, what can be wrong with one, and where accounts are kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from modules.kernel.domain.errors import Conflict, Forbidden, Invalid, Unauthenticated
from modules.kernel.domain.idempotency import HEADER
from modules.kernel.domain.identity import UserId
from modules.users.domain.values import Bio, Email, Image, Password, SubmittedSecret, Username


class InvalidCredentials(Unauthenticated):
    """No account has this e-mail and this password. Which of the two is wrong is not told."""

    subject, problem = "credentials", "invalid"


class WrongPassword(Forbidden):
    """Whoever has a token has to prove as well that they know the password, and did not."""

    subject, problem = "password", "is wrong"


class AccountTaken(Conflict):
    """Another account has this username, this e-mail, or both."""

    def __init__(self, subjects: Collection[str]) -> None:
        super().__init__(" and ".join(sorted(subjects)))
        self._subjects = subjects

    @property
    def problems(self) -> dict[str, str]:
        """Each of the fields that are taken."""
        return dict.fromkeys(sorted(self._subjects), self.problem)


class RegistrationRevoked(Conflict):
    """The first token of this registration was ended, so a repeat gets none."""

    subject, problem = HEADER, "has registered an account that is gone, or whose sessions were ended since"


class CommonPassword(Invalid):
    """The password is one of those that are guessed first (NIST SP 800-63B, 5.1.1.2)."""

    subject, problem = "password", "is one of the most common passwords"


@dataclass(frozen=True, slots=True)
class Account:
    """One user's account.

    Its texts were valid when they were written; rules that have become stricter since do not lock
    anybody out. token_version counts what ends older tokens: a token carries the version it was
    issued at.
    """

    id: UserId
    username: str
    email: str
    bio: str | None
    image: str | None
    password_hash: str
    token_version: int

    def changed(self, changes: "AccountChanges", password_hash: str | None) -> "Account":
        """Return the account after these changes; a new password hash ends every older token."""
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
        """Return what is kept of it, but for what proves who its owner is."""
        return {"username": self.username, "email": self.email, "bio": self.bio, "image": self.image}

    def require_no_revoked_sessions(self) -> None:
        """Raise `RegistrationRevoked` if tokens of this account, and so the first one, were ended."""
        if self.token_version > 0:
            raise RegistrationRevoked

    def with_sessions_revoked(self) -> "Account":
        """Return the account without a session: every token issued until now is ended."""
        return replace(self, token_version=self.token_version + 1)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that is about to exist."""

    username: Username
    email: Email
    password_hash: str


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """What an owner wants changed; None leaves a field as it is."""

    username: Username | None = None
    email: Email | None = None
    password: Password | None = None
    bio: Bio | None = None
    image: Image | None = None


class AccountRepository(Protocol):
    """Keeps accounts."""

    async def add(self, account: NewAccount) -> Account:
        """Keep a new account and return it; raise `AccountTaken` if its name or e-mail is in use."""
        ...

    async def by_id(self, user: UserId) -> Account:
        """Return the account; raise `TokenInvalid` if it is gone: only its own token leads here."""
        ...

    async def get_for_update(self, user: UserId) -> Account:
        """Return the account as `by_id` does, and keep others from changing it until the transaction ends."""
        ...

    async def by_email(self, email: str) -> Account | None:
        """Return the account with this address, in whatever case, or None."""
        ...

    async def save(self, account: Account) -> None:
        """Keep a changed account; raise `AccountTaken` if its new name or e-mail is in use."""
        ...

    async def remove(self, account: Account) -> None:
        """Forget an account."""
        ...

    async def replace_hash(self, user: UserId, old: str, new: str) -> None:
        """Keep another hash of the same password; do nothing if the password was changed meanwhile."""
        ...


class PasswordHasher(Protocol):
    """Hashes passwords, away from the event loop."""

    async def hash(self, password: Password | SubmittedSecret) -> str:
        """Return a hash that can be kept."""
        ...

    async def verify(self, password_hash: str | None, password: SubmittedSecret) -> bool:
        """Return whether it is that password. Without a hash, return False after the same time."""
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether the hash was made with other parameters than those of today."""
        ...


class TokenIssuer(Protocol):
    """Makes tokens."""

    def issue(self, account: Account) -> str:
        """Return a token that proves, until it expires, that its bearer is this account's owner."""
        ...
