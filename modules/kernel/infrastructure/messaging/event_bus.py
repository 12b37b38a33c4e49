"""The event bus: delivers events to subscribers inside the publisher's transaction."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from modules.kernel.domain.events import Event
from modules.kernel.infrastructure.persistence.database import Database

HandlerProvider = Callable[[], Callable[..., Awaitable[Any]]]


class EventBus:
    """Delivers each event to its subscribers, in the order of their subscriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._handlers: defaultdict[type[Event], list[HandlerProvider]] = defaultdict(list)

    def subscribe(self, event: type[Event], handler: HandlerProvider) -> None:
        """Deliver events of exactly this type to the handler that the provider returns.

        The provider is called at delivery, so that subscribing creates no service.
        """
        self._handlers[event].append(handler)

    async def publish(self, event: Event) -> None:
        self._database.require_transaction()
        for handler in self._handlers.get(type(event), ()):
            await handler()(event)
