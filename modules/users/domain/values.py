"""Value objects of an account."""

import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Literal

from ada_url import idna_to_ascii
from email_validator import EmailNotValidError, validate_email

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.invisible import INVISIBLE, nfkc_casefold
from modules.kernel.domain.text import BLANK, Length, multiline, require_max_length, single_line, storable
from modules.users.domain.image_url import safe_image_url

# Path segments that would collide with a username in URLs of the API or of frontends.
RESERVED_USERNAMES = frozenset(
    {"admin", "api", "feed", "login", "me", "register", "settings", "user", "users"}
)
# Unicode general categories: control, format, unassigned, private use, surrogates, separators.
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
MAX_USERNAME_LENGTH = 64
MAX_PASSWORD_LENGTH = 256
# A decomposed text (NFD) has up to four times as many characters (UAX #15). Longer input is never
# compared: normalizing a run of combining marks takes quadratic time, minutes for a request body.
MAX_EXPANSION = 4


def username_key(text: str) -> str:
    """Return the key by which usernames are compared: NFKC_Casefold (Unicode Standard, 3.13)."""
    return nfkc_casefold(text.strip())


def password_key(text: str) -> str:
    """Return the key by which a password is compared with the blocklist: NFKC, case-folded."""
    return _folded("NFKC", text)


def email_key(text: str) -> str:
    """Return the key by which e-mail addresses are compared.

    The local part is in NFC and case-folded. The domain is in A-label form (RFC 5890), by UTS #46 without
    transitional processing: `ß` is another domain than `ss`, and another case or width is not. Text whose
    domain is invalid is in NFC and case-folded as a whole.
    """
    local, at, domain = text.strip().rpartition("@")
    ascii_domain = idna_to_ascii(domain).decode()
    return f"{_folded('NFC', local)}{at}{ascii_domain or _folded('NFC', domain)}"


def email_as_typed(text: str) -> str:
    """Return the key of an account whose `email_key` another account had before domains were A-labels.

    It has characters that no `email_key` of a valid address has.
    """
    return unicodedata.normalize("NFC", text.strip())


def _folded(form: Literal["NFC", "NFKC"], text: str) -> str:
    # Case folding decomposes some characters (U+0390), so normalize again.
    return unicodedata.normalize(form, unicodedata.normalize(form, text).casefold())


@dataclass(frozen=True, slots=True)
class Username:
    """A username as typed; compared case-insensitively by `key`."""

    LENGTH: ClassVar = Length(1, MAX_USERNAME_LENGTH)

    text: str

    def __post_init__(self) -> None:
        text = single_line("username", self.text, max_length=self.LENGTH.max)
        visible = text.replace(" ", "")
        if (
            "  " in text
            or INVISIBLE.search(visible)
            or any(unicodedata.category(character) in FORBIDDEN_CATEGORIES for character in visible)
        ):
            raise Invalid(
                "username", "must not contain white space other than single spaces, or invisible characters"
            )
        if "/" in text or text in {".", ".."}:
            raise Invalid("username", "must be usable in a URL path")
        object.__setattr__(self, "text", text)
        if self.key in RESERVED_USERNAMES:
            raise Invalid("username", "is a reserved word")

    @property
    def key(self) -> str:
        """The key by which usernames are compared."""
        return username_key(self.text)


@dataclass(frozen=True, slots=True)
class Email:
    """A syntactically valid e-mail address (RFC 5321, RFC 5322); deliverability is not checked."""

    LENGTH: ClassVar = Length(5, 254)

    text: str

    def __post_init__(self) -> None:
        text = single_line("email", self.text, max_length=self.LENGTH.max)
        try:
            # test_environment allows the .test domain, which tests and demos use.
            validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            raise Invalid("email", "is not a valid e-mail address") from error
        object.__setattr__(self, "text", text)

    @property
    def key(self) -> str:
        """The key by which addresses are compared."""
        return email_key(self.text)


@dataclass(frozen=True, slots=True)
class Password:
    """A new password, limited only in length (NIST SP 800-63B)."""

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
    """An e-mail or password submitted to log in, not checked against the rules for new ones."""

    LENGTH: ClassVar = Length(1, MAX_EXPANSION * MAX_PASSWORD_LENGTH)

    text: str

    def __post_init__(self) -> None:
        storable("credentials", self.text)
        require_max_length("credentials", self.text, max_length=self.LENGTH.max)
        # Passwords of invisible characters were accepted once.
        if not self.text.strip():
            raise Invalid("credentials", BLANK)

    def __repr__(self) -> str:
        return "SubmittedSecret(...)"


@dataclass(frozen=True, slots=True)
class Bio:
    """A user's self-description; an empty one is stored as None."""

    LENGTH: ClassVar = Length(0, 10_000)

    text: str | None

    def __post_init__(self) -> None:
        text = require_max_length("bio", storable("bio", self.text or ""), max_length=self.LENGTH.max)
        object.__setattr__(self, "text", text or None)


@dataclass(frozen=True, slots=True)
class Image:
    """The URL of a user's image, see `safe_image_url`; None if it is empty or any other text.

    The length limit keeps lists of authors small. It applies to the text as sent and as serialized.
    """

    LENGTH: ClassVar = Length(0, 2_000)

    text: str | None

    def __post_init__(self) -> None:
        text = require_max_length(
            "image", storable("image", (self.text or "").strip()), max_length=self.LENGTH.max
        )
        url = safe_image_url(text)
        if url is not None:
            require_max_length("image", url, max_length=self.LENGTH.max)
        object.__setattr__(self, "text", url)
