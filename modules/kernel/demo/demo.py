"""One run of `conduit demo`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from modules.kernel.demo.demo_random import DemoRandom
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.progress import Progress


@dataclass(frozen=True, slots=True)
class Demo:
    """One run of `conduit demo`: its size, its end, and what earlier modules have created.

    The same size and end give the same data: take random choices from `chance` and times from `until`.
    """

    articles: int
    progress: Progress
    until: datetime
    """The end of its times: the present, so that its newest articles are new."""
    made: dict[str, Sequence[int]] = field(default_factory=dict)
    """Created ids by plural noun ("users", "articles"), the most active first."""
    remarks: list[str] = field(default_factory=list)
    """Notes for the operator about the data, a line each."""

    @property
    def users(self) -> Sequence[UserId]:
        """The created users; the first is the one that visitors log in as."""
        return [UserId(user_id) for user_id in self.made["users"]]

    def chance(self, purpose: str) -> DemoRandom:
        """Return a random generator that is the same on every run, and independent of other purposes."""
        return DemoRandom(f"{purpose}/{self.articles}")
