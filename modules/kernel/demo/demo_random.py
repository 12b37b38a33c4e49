"""Random choices that are the same on every run."""

from collections.abc import Callable, Sequence
from math import log
from random import Random
from typing import TypeVar

T = TypeVar("T")


class DemoRandom:
    """A random generator that is the same on every run.

    All values are derived from `Random.random`, the only method whose sequence Python guarantees.
    """

    def __init__(self, seed: str) -> None:
        self.fraction = Random(seed).random  # noqa: S311 - no secret is drawn from it

    def below(self, end: int) -> int:
        """Return an integer from 0 to end - 1, uniformly."""
        return int(self.fraction() * end)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices, uniformly."""
        return choices[int(self.fraction() * len(choices))]

    def early(self, choices: Sequence[T]) -> T:
        """Return one of the choices, earlier ones more often."""
        return choices[int(self.fraction() ** 1.5 * len(choices))]

    def some(self, choices: Sequence[T], number: int) -> list[T]:
        """Return `number` distinct choices, at most half of them, uniformly."""
        return _distinct(self.pick, choices, number)

    def some_early(self, choices: Sequence[T], number: int) -> list[T]:
        """Return `number` distinct choices, at most half of them, earlier ones more often."""
        return _distinct(self.early, choices, number)

    def amount(self, scale: float) -> int:
        """Return a number of related items: mostly small, rarely very large."""
        return int(scale * (-log(1 - self.fraction())) ** 1.5)


def _distinct(draw: Callable[[Sequence[int]], int], choices: Sequence[T], number: int) -> list[T]:
    indexes = range(len(choices))
    drawn: dict[int, None] = {}
    # At most half: with few choices left, drawing until one is new takes too long.
    number = min(number, len(choices) // 2)
    while len(drawn) < number:
        drawn[draw(indexes)] = None
    return [choices[index] for index in drawn]
