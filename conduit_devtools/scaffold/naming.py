"""What a module may be called."""

import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass

SHAPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# PostgreSQL cuts names at 63 bytes, and the longest that is made of a module's is that of its index.
LONGEST = 63 - len("ix__entry_owner_id_created_at_id")
RESERVED = {
    "app": "conduit_app is the application",
    "devtools": "conduit_devtools is the developer tools",
    "kernel": "it is what all modules share",
    "sqlite": "SQLite keeps tables of this prefix for itself",
    **dict.fromkeys(
        ("api", "container", "contracts", "domain", "fakes", "infrastructure", "module"),
        "every module has a room of this name",
    ),
}


class ModuleRefused(ValueError):
    """There can be no such module; the message is one line for the developer."""


@dataclass(frozen=True, slots=True)
class ModuleName:
    """A name that a module may have, unless it is taken; raises `ModuleRefused` for any other."""

    text: str

    def __post_init__(self) -> None:
        if not SHAPE.fullmatch(self.text):
            raise ModuleRefused(
                f"a module cannot be called {self.text!r}: a name is made of lower-case letters, digits and "
                "single underscores between them, and begins with a letter"
            )
        if len(self.text) > LONGEST:
            raise ModuleRefused(f"a module's name has at most {LONGEST} characters, {self.text} has more")
        if keyword.iskeyword(self.text):
            raise ModuleRefused(f"a module cannot be called {self.text}: it is a keyword of Python")
        if self.text in RESERVED:
            raise ModuleRefused(f"a module cannot be called {self.text}: {RESERVED[self.text]}")

    @property
    def camel(self) -> str:
        """The name as classes begin with it: ReadingNotes."""
        return _camel(self.text)

    @property
    def plain(self) -> str:
        """The name as a sentence has it: reading notes."""
        return self.text.replace("_", " ")

    def refuse_if_taken(self, others: Iterable[str]) -> None:
        """Raise `ModuleRefused` if a module of this name could not live beside those that there are."""
        for other in sorted({*others, "kernel", "sqlite"}):
            if other == self.text:
                raise ModuleRefused(f"there is a module called {other} already")
            if f"{other}_".startswith(f"{self.text}_") or f"{self.text}_".startswith(f"{other}_"):
                raise ModuleRefused(
                    f"the tables of {self.text} and of {other} could not be told apart by their prefix"
                )
            if _camel(other) == self.camel:
                raise ModuleRefused(f"the classes of {self.text} would be called like those of {other}")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
