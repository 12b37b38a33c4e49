"""All that carries events, on one database."""

from dataclasses import dataclass

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.events import Delivery, Event
from modules.kernel.infrastructure.messaging.dispatcher import Dispatcher
from modules.kernel.infrastructure.messaging.event_bus import EventBus, HandlerProvider
from modules.kernel.infrastructure.messaging.outbox import Outbox, Policy
from modules.kernel.infrastructure.messaging.outbox_admin import Deliveries
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.persistence.database import Database


@dataclass(frozen=True, slots=True)
class Messaging:
    """The bus, the outbox behind it, and who empties and watches that."""

    events: EventBus
    signals: Signals
    outbox: Outbox
    dispatcher: Dispatcher
    deliveries: Deliveries

    def subscribe(
        self, module: str, event: type[Event], handler: HandlerProvider, delivery: Delivery
    ) -> None:
        """Tell the module's handler of events of exactly this type, when it wants to be told.

        Raises `ValueError` when a module that is told after the commit is told of this event already.
        """
        if delivery is Delivery.IN_TRANSACTION:
            self.events.subscribe(event, handler)
        elif self.outbox.subscribe(module, event, handler):
            # For the bus, the outbox is one more subscriber that writes in the publisher's transaction.
            self.events.subscribe(event, lambda: self.outbox.put)


def messaging(database: Database, clock: Clock, policy: Policy | None = None) -> Messaging:
    """Return what carries events on this database, with nobody subscribed yet."""
    signals = Signals(database)
    outbox = Outbox(database, signals, clock, policy or Policy())
    dispatcher, deliveries = Dispatcher(outbox, signals), Deliveries(database, signals, clock, outbox)
    return Messaging(EventBus(database), signals, outbox, dispatcher, deliveries)
