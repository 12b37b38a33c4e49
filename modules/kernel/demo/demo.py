"""One run of `conduit demo`, which every module takes part in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from modules.kernel.demo.demo_random import DemoRandom
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.progress import Progress

# A date that stays: the same command makes the same data next year.
UNTIL = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Demo:
    """One run of `conduit demo`: how much, until when, and what earlier modules have made.

    The same size and end give the same data: take chance from `chance` and time from `until`.
    """

    articles: int
    progress: Progress
    until: datetime = UNTIL
    made: dict[str, Sequence[int]] = field(default_factory=dict)
    """Ids by the plural of what they are ids of ("users", "articles"), the most active first."""
    remarks: list[str] = field(default_factory=list)
    """What a person should know who is about to look at the data, a line each."""

    @property
    def users(self) -> Sequence[UserId]:
        """The users that were made; the first is the one that visitors log in as."""
        return [UserId(user) for user in self.made["users"]]

    def chance(self, purpose: str) -> DemoRandom:
        """Return chance that is the same on every run, and independent of other purposes."""
        return DemoRandom(f"{purpose}/{self.articles}")
