"""Facts that one module tells to whoever listens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: named in the past tense, holding ids and facts, JSON-serialisable.

    Publishers declare theirs, as frozen dataclasses, in their `contracts.py`.
    """


EventT = TypeVar("EventT", bound=Event)
EventHandler = Callable[[EventT], Awaitable[None]]


class EventPublisher(Protocol):
    """Where a use case tells what happened."""

    async def publish(self, event: Event) -> None:
        """Tell every subscriber, inside the transaction that is open.

        Raises what a subscriber raises, so that the fact and its effects hold or fail together.
        """
        ...
