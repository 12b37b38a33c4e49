"""The rules for names of modules."""

import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass

PATTERN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# PostgreSQL truncates names to 63 bytes; the longest one with a module's name is that of an index.
MAX_LENGTH = 63 - len("ix__entry_owner_id_created_at_id")
RESERVED = {
    "app": "conduit_app is the application",
    "devtools": "conduit_devtools is the developer tools",
    "kernel": "modules/kernel is the shared kernel",
    "sqlite": "SQLite reserves the prefix for its own tables",
    **dict.fromkeys(
        ("api", "container", "contracts", "demo", "domain", "fakes", "infrastructure", "module"),
        "every module has a layer of this name",
    ),
}


class InvalidModule(ValueError):
    """The module cannot be generated. The message is one line for the developer."""


@dataclass(frozen=True, slots=True)
class ModuleName:
    """A valid name of a module. Raises `InvalidModule` for any other text."""

    text: str

    def __post_init__(self) -> None:
        if not PATTERN.fullmatch(self.text):
            raise InvalidModule(
                f"invalid module name {self.text!r}: use lower-case letters, digits and single underscores, "
                "and start with a letter"
            )
        if len(self.text) > MAX_LENGTH:
            raise InvalidModule(f"invalid module name {self.text}: longer than {MAX_LENGTH} characters")
        if keyword.iskeyword(self.text):
            raise InvalidModule(f"invalid module name {self.text}: it is a Python keyword")
        if self.text in RESERVED:
            raise InvalidModule(f"reserved module name {self.text}: {RESERVED[self.text]}")

    @property
    def camel(self) -> str:
        """The prefix of class names: ReadingNotes."""
        return _camel(self.text)

    @property
    def plain(self) -> str:
        """The name in prose: reading notes."""
        return self.text.replace("_", " ")

    def require_available(self, others: Iterable[str]) -> None:
        """Raise `InvalidModule` if the name conflicts with one of the existing modules."""
        for other in sorted({*others, "kernel", "sqlite"}):
            if other == self.text:
                raise InvalidModule(f"module {other} already exists")
            if f"{other}_".startswith(f"{self.text}_") or f"{self.text}_".startswith(f"{other}_"):
                raise InvalidModule(f"the table prefixes of {self.text} and {other} overlap")
            if _camel(other) == self.camel:
                raise InvalidModule(f"the class names of {self.text} and {other} are the same")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
