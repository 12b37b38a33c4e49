"""All that carries events, on one database."""

from dataclasses import dataclass

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.events import DeliveryMode, Event
from modules.kernel.infrastructure.messaging.dispatcher import Dispatcher
from modules.kernel.infrastructure.messaging.event_bus import EventBus, HandlerProvider
from modules.kernel.infrastructure.messaging.outbox import DeliveryPolicy, Outbox
from modules.kernel.infrastructure.messaging.outbox_admin import OutboxAdmin
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.persistence.database import Database


@dataclass(frozen=True, slots=True)
class Messaging:
    """The bus, the outbox behind it, and who empties and watches that."""

    events: EventBus
    signals: Signals
    outbox: Outbox
    dispatcher: Dispatcher
    outbox_admin: OutboxAdmin

    def subscribe(
        self, module: str, event: type[Event], handler: HandlerProvider, delivery: DeliveryMode
    ) -> None:
        """Tell the module's handler of events of exactly this type, when it wants to be told.

        Raises `ValueError` when a module that is told after the commit is told of this event already.
        """
        if delivery is DeliveryMode.IN_TRANSACTION:
            self.events.subscribe(event, handler)
        elif self.outbox.subscribe(module, event, handler):
            # For the bus, the outbox is one more subscriber that writes in the publisher's transaction.
            self.events.subscribe(event, lambda: self.outbox.add)


def create_messaging(database: Database, clock: Clock, policy: DeliveryPolicy | None = None) -> Messaging:
    """Return what carries events on this database, with nobody subscribed yet."""
    signals = Signals(database)
    outbox = Outbox(database, signals, clock, policy or DeliveryPolicy())
    dispatcher, outbox_admin = Dispatcher(outbox, signals), OutboxAdmin(database, signals, clock, outbox)
    return Messaging(EventBus(database), signals, outbox, dispatcher, outbox_admin)
