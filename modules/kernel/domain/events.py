"""Events: facts that one module publishes and others subscribe to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import Enum
from typing import Any, ClassVar, NewType, Protocol, TypeVar

Payload = Mapping[str, Any]
"""The fields of a stored event, by name, as JSON values."""

Upcaster = Callable[[Payload], Payload]
"""Returns the payload of an event in the next version of its schema. It has no side effects."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: named in the past tense, containing ids and values, JSON-serializable.

    Publishers declare their events, as frozen dataclasses, in their `contracts.py`. The first field
    identifies the aggregate: after-commit deliveries of one aggregate are handled in order.

    Deliveries are stored, so a release reads the payloads of those before it. A change that makes them
    invalid adds an upcaster to the event; a new field with a default needs none.
    """

    upcasters: ClassVar[Sequence[Upcaster]] = ()
    """The first returns the payload of version 2 of the schema for that of version 1, and so on."""

    @classmethod
    def schema_version(cls) -> int:
        """Return the version of the event's schema: 1, and one more for each upcaster."""
        return len(cls.upcasters) + 1

    @property
    def aggregate(self) -> str:
        """The aggregate of the event: the first field's name and value, such as `article_id 7`."""
        for first in fields(self):
            return f"{first.name} {getattr(self, first.name)}"
        return type(self).__name__


class DeliveryMode(Enum):
    """When an event is delivered to a subscriber, which chooses it."""

    IN_TRANSACTION = "in the publisher's transaction"
    """The fact and its effect are committed or rolled back together."""

    AFTER_COMMIT = "after the commit"
    """The effect is a transaction of its own, retried until it succeeds."""

    PREPARED_AFTER_COMMIT = "after the commit, prepared before the transaction"
    """As `AFTER_COMMIT`, for a handler that reads or computes much: it returns the effect, see `Effect`."""

    CALLED_AFTER_COMMIT = "after the commit, outside of a transaction"
    """For a handler that calls another service, see `CallingHandler`."""


MAX_HANDLER_TIMEOUT = timedelta(seconds=14)


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """The limits of the after-commit deliveries to one module."""

    concurrency: int = 1
    """How many a process handles at once; those of one aggregate never are. More than one is for handlers
    that wait for other services."""

    handler_timeout: timedelta | None = None
    """The time limit of a handler; default: 10 seconds."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a concurrency or a time limit with which nothing would be delivered.

        A claim is valid for 30 seconds, and a prepared handler may take its time limit twice.
        """
        if self.concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, not {self.concurrency}")
        if self.handler_timeout is not None and not timedelta() < self.handler_timeout <= MAX_HANDLER_TIMEOUT:
            raise ValueError(f"handler_timeout must be at most {MAX_HANDLER_TIMEOUT}, and above 0")


DeliveryId = NewType("DeliveryId", str)
"""Identifies a delivery; the same at each attempt, and never used again, even after a restore."""


EventT = TypeVar("EventT", bound=Event)
EventHandler = Callable[[EventT], Awaitable[None]]
Effect = Callable[[], Awaitable[None]]
"""The result of a `PreparingHandler`, which is called in the transaction that also deletes the delivery."""

PreparingHandler = Callable[[EventT], Awaitable[Effect]]
"""Called outside of a transaction, so that on SQLite others can write meanwhile.

What it read may have changed when the effect is called, which must check that.
"""

CallingHandler = Callable[[EventT, DeliveryId], Awaitable[None]]
"""Called outside of a transaction. Its delivery is deleted after it has returned.

A crash in between repeats the call: the called service needs the id of the delivery, to do the work once.
"""


class EventPublisher(Protocol):
    """Publishes the events of a use case."""

    async def publish(self, event: Event) -> None:
        """Deliver the event to each subscriber, inside the open transaction or after its commit.

        Raises what a handler inside the transaction raises, which rolls the transaction back, and
        `RuntimeError` when no transaction is open.
        """
        ...
