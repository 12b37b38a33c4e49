"""The event bus: carries a publisher's facts to subscribers, inside the publisher's transaction."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from modules.kernel.domain.events import Event, EventHandler
from modules.kernel.infrastructure.persistence.database import Database

HandlerProvider = Callable[[], EventHandler[Any]]


class EventBus:
    """Delivers each event to every subscriber, in the order in which they subscribed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._handlers: defaultdict[type[Event], list[HandlerProvider]] = defaultdict(list)

    def subscribe(self, event: type[Event], handler: HandlerProvider) -> None:
        """Deliver events of exactly this type to the handler that the call returns.

        The handler is asked for at delivery, so that subscribing builds no service.
        """
        self._handlers[event].append(handler)

    async def publish(self, event: Event) -> None:
        """Deliver the event now. Raises what a handler raises, which undoes the whole transaction."""
        self._database.require_transaction()
        for handler in self._handlers.get(type(event), ()):
            await handler()(event)
