"""Demonstration data: what the modules share while each one makes its own part of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

Progress = Callable[[str, int], None]
"""Told what is being made and how many more of it are done."""


@dataclass(frozen=True, slots=True)
class Demo:
    """One run of `conduit demo`: how much, until when, and what earlier modules have made.

    The same size and end give the same data: take chance from `random` and time from `until`.
    """

    articles: int
    until: datetime
    progress: Progress
    made: dict[str, Sequence[int]] = field(default_factory=dict)
    """Ids by the plural of what they are ids of ("users", "articles")."""

    def random(self, purpose: str) -> Random:
        """Return chance that is the same on every run, and independent of other purposes."""
        return Random(f"{purpose}/{self.articles}")  # noqa: S311 - no secret is drawn from it
