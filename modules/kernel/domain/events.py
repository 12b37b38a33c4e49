"""Facts that one module tells to whoever listens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from enum import Enum
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: named in the past tense, holding ids and facts, JSON-serialisable.

    Publishers declare theirs, as frozen dataclasses, in their `contracts.py`. What an event is about
    comes first: what is told after the commit of one thing is told in order.
    """

    @property
    def aggregate(self) -> str:
        """What this is about: the first field's name and value, such as `article_id 7`."""
        for first in fields(self):
            return f"{first.name} {getattr(self, first.name)}"
        return type(self).__name__


class DeliveryMode(Enum):
    """When a subscriber is told of an event. It chooses."""

    IN_TRANSACTION = "in the publisher's transaction"
    """The fact and its effect hold or fail together: for what must not come later."""

    AFTER_COMMIT = "after the commit"
    """In a transaction of its own, tried again until it succeeds: for what may come later, and must come."""


EventT = TypeVar("EventT", bound=Event)
EventHandler = Callable[[EventT], Awaitable[None]]


class EventPublisher(Protocol):
    """Where a use case tells what happened."""

    async def publish(self, event: Event) -> None:
        """Tell every subscriber: inside the transaction that is open, or once it is committed.

        Raises what a subscriber inside raises, so that the fact and its effects hold or fail together.
        """
        ...
