"""A change of what a module publishes, and the verdict on all changes of a module."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class Verdict(IntEnum):
    """What a change means for the consumers of a module, in the order of its weight."""

    COMPATIBLE = 0
    """They notice nothing."""

    ADDITIVE = 1
    """They continue to work, and may use more."""

    BREAKING = 2
    """They must be changed, too."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference in what a module publishes."""

    thing: str
    """Its name, as consumers write it: `ArticleDirectory.lock`, `CONDUIT_FEEDS_TITLE`, `GET /api/tags`."""

    what: str
    verdict: Verdict
    file: Path
    """Relative to the root of the checkout."""

    line: int
    consumers: tuple[str, ...] = ()
    """Modules that use it, or `HTTP clients` or `operators`."""

    def __str__(self) -> str:
        consumers = f"; used by {', '.join(self.consumers)}" if self.consumers else ""
        return f"{self.thing}: {self.what}{consumers}"


class IncomparableFile(Exception):
    """A file of the base or of the working tree cannot be read. The message says which, and why."""


def worst(changes: Collection[Change]) -> Verdict:
    """Return the verdict on a module with these changes."""
    return max((change.verdict for change in changes), default=Verdict.COMPATIBLE)
