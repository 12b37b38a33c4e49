"""Demonstration data: what the modules share while each one makes its own part of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from math import log
from random import Random
from typing import Protocol, TypeVar

from modules.kernel.domain.identity import UserId

T = TypeVar("T")

# A date that stays: the same command makes the same data next year.
UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
# Rows enough that a transaction's fixed cost does not count, and few enough to hold in memory.
BATCH = 5_000


class Progress(Protocol):
    """Shows how far the work is."""

    def begin(self, what: str, total: int) -> None:
        """Start the next stage: what it makes, as a plural noun, and how many of it."""
        ...

    def advance(self, number: int) -> None:
        """Note that so many more are made."""
        ...


class Chance:
    """Chance that is the same on every run.

    Everything comes from `Random.random`, the one method whose values Python promises to keep.
    """

    def __init__(self, seed: str) -> None:
        self.fraction = Random(seed).random  # noqa: S311 - no secret is drawn from it

    def below(self, end: int) -> int:
        """Return one of 0, 1, … end - 1, all as likely."""
        return int(self.fraction() * end)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices, all as likely."""
        return choices[int(self.fraction() * len(choices))]

    def early(self, choices: Sequence[T]) -> T:
        """Return one of the choices, the earlier the likelier, as with authors and words."""
        return choices[int(self.fraction() ** 1.5 * len(choices))]

    def some(self, choices: Sequence[T], number: int) -> list[T]:
        """Return so many of the choices, at most half of them, each once; all as likely."""
        return _distinct(self.pick, choices, number)

    def some_early(self, choices: Sequence[T], number: int) -> list[T]:
        """Return so many of the choices, at most half of them, each once; the earlier the likelier."""
        return _distinct(self.early, choices, number)

    def amount(self, scale: float) -> int:
        """Return a number of things that one can have: mostly a few, now and then a great many."""
        return int(scale * (-log(1 - self.fraction())) ** 1.5)


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

    def chance(self, purpose: str) -> Chance:
        """Return chance that is the same on every run, and independent of other purposes."""
        return Chance(f"{purpose}/{self.articles}")


def _distinct(draw: Callable[[Sequence[int]], int], choices: Sequence[T], number: int) -> list[T]:
    places = range(len(choices))
    drawn: dict[int, None] = {}
    # Half of them at most: towards the last of all choices, drawing until one is new takes for ever.
    number = min(number, len(choices) // 2)
    while len(drawn) < number:
        drawn[draw(places)] = None
    return [choices[place] for place in drawn]


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield the items in lists, each small enough for one transaction."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
