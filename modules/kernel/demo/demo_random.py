"""Random choices that are the same on every run."""

from collections.abc import Callable, Sequence
from math import log
from random import Random
from typing import TypeVar

T = TypeVar("T")


class DemoRandom:
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


def _distinct(draw: Callable[[Sequence[int]], int], choices: Sequence[T], number: int) -> list[T]:
    places = range(len(choices))
    drawn: dict[int, None] = {}
    # Half of them at most: towards the last of all choices, drawing until one is new takes for ever.
    number = min(number, len(choices) // 2)
    while len(drawn) < number:
        drawn[draw(places)] = None
    return [choices[place] for place in drawn]
