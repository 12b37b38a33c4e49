"""The values that an account is made of. Each checks itself; one that exists is valid."""

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Literal

from email_validator import EmailNotValidError, validate_email

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.text import BLANK, Length, multiline, require_max_length, single_line, storable

# Words that stand in URLs where a username could, on this side or in frontends.
RESERVED_USERNAMES = frozenset(
    {"admin", "api", "feed", "login", "me", "register", "settings", "user", "users"}
)
INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
MAX_USERNAME_LENGTH = 64
MAX_PASSWORD_LENGTH = 256
# Typed with its accents as characters of their own, a text has up to four times as many (UAX #15).
# What is longer is never compared: normalizing a run of accents takes the square of its length,
# which is minutes for a request body.
MAX_EXPANSION = 4
# RFC 2397, with nothing that could end an HTML attribute or a url() in a style sheet.
PICTURE = re.compile(r"data:image/(png|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}")


def username_key(text: str) -> str:
    """Return what two usernames have in common when they are the same name (UTS #39: NFKC, folded)."""
    return _folded("NFKC", text.strip())


def password_key(text: str) -> str:
    """Return what a password has in common with those that are guessed along with it."""
    return _folded("NFKC", text)


def email_key(text: str) -> str:
    """Return what two addresses have in common when they are the same one, without regard to case."""
    return _folded("NFC", text.strip())


def _folded(form: Literal["NFC", "NFKC"], text: str) -> str:
    # Folding takes some characters apart (U+0390), so what is folded is normalized again.
    return unicodedata.normalize(form, unicodedata.normalize(form, text).casefold())


@dataclass(frozen=True, slots=True)
class Username:
    """A name as its owner typed it; two that differ in case only are the same name."""

    LENGTH: ClassVar = Length(1, MAX_USERNAME_LENGTH)

    text: str

    def __post_init__(self) -> None:
        text = single_line("username", self.text, max_length=self.LENGTH.max)
        if any(unicodedata.category(character) in INVISIBLE for character in text):
            raise Invalid("username", "must not contain white space or invisible characters")
        if "/" in text or text in {".", ".."}:
            raise Invalid("username", "must be usable in a URL path")
        object.__setattr__(self, "text", text)
        if self.key in RESERVED_USERNAMES:
            raise Invalid("username", "is a reserved word")

    @property
    def key(self) -> str:
        """What the name is compared by."""
        return username_key(self.text)


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail address that could exist (RFC 5321 and 5322); nobody is asked whether it does."""

    LENGTH: ClassVar = Length(5, 254)

    text: str

    def __post_init__(self) -> None:
        text = single_line("email", self.text, max_length=self.LENGTH.max)
        try:
            # test_environment: addresses at .test are as good as others for a blog's demo and tests.
            validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            raise Invalid("email", "is not a valid e-mail address") from error
        object.__setattr__(self, "text", text)

    @property
    def key(self) -> str:
        """What the address is compared by."""
        return email_key(self.text)


@dataclass(frozen=True, slots=True)
class Password:
    """A password somebody chooses, under the rules of NIST SP 800-63B: length, and nothing else."""

    LENGTH: ClassVar = Length(8, MAX_PASSWORD_LENGTH)

    text: str

    def __post_init__(self) -> None:
        multiline("password", self.text, max_length=self.LENGTH.max)
        if len(self.text) < self.LENGTH.min:
            raise Invalid("password", f"is too short (at least {self.LENGTH.min} characters)")

    def __repr__(self) -> str:
        return "Password(...)"


@dataclass(frozen=True, slots=True)
class SubmittedSecret:
    """What somebody presents to log in: whatever they typed, if anything."""

    LENGTH: ClassVar = Length(1, MAX_EXPANSION * MAX_PASSWORD_LENGTH)

    text: str

    def __post_init__(self) -> None:
        storable("credentials", self.text)
        require_max_length("credentials", self.text, max_length=self.LENGTH.max)
        if not self.text.strip():
            raise Invalid("credentials", BLANK)

    def __repr__(self) -> str:
        return "Presented(...)"


@dataclass(frozen=True, slots=True)
class Bio:
    """What users say of themselves; an empty one is none."""

    LENGTH: ClassVar = Length(0, 10_000)

    text: str | None

    def __post_init__(self) -> None:
        text = require_max_length("bio", storable("bio", self.text or ""), max_length=self.LENGTH.max)
        object.__setattr__(self, "text", text or None)


@dataclass(frozen=True, slots=True)
class Image:
    """The address of a user's picture, for a browser to load; an empty one is none.

    Or the picture itself, as a data URL: PNG or SVG, in base64. In an <img> an SVG is drawn in
    "secure static mode" (SVG Integration): it runs no script and loads nothing. Elsewhere it is no
    danger to the page either: browsers give a data URL an origin of its own, and refuse to navigate
    a window to one. Other schemes and types stay out, for they can be pages and programs. The cap
    keeps lists of authors small.
    """

    LENGTH: ClassVar = Length(0, 2_000)

    text: str | None

    def __post_init__(self) -> None:
        text = (self.text or "").strip()
        if text and not _is_picture(single_line("image", text, max_length=self.LENGTH.max)):
            raise Invalid("image", "must be an http or https URL, or a PNG or SVG in a base64 data URL")
        object.__setattr__(self, "text", text or None)


def _is_picture(address: str) -> bool:
    return address.lower().startswith(("http://", "https://")) or PICTURE.fullmatch(address) is not None
