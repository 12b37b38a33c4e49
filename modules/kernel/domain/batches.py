"""Many items in batches, each small enough for one transaction."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

# Rows enough that a transaction's fixed cost does not count, and few enough to hold in memory.
BATCH = 5_000


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield the items in lists, each small enough for one transaction."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
