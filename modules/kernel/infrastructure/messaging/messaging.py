"""The messaging of one database: event bus, signals, outbox and dispatcher."""

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
    """The parts of messaging on one database."""

    events: EventBus
    signals: Signals
    outbox: Outbox
    dispatcher: Dispatcher
    outbox_admin: OutboxAdmin

    def subscribe(
        self, module: str, event: type[Event], handler: HandlerProvider, delivery: DeliveryMode
    ) -> None:
        """Subscribe the module's handler to events of exactly this type, in the given delivery mode.

        Raises `ValueError` when the module already subscribes to this event after the commit.
        """
        if delivery is DeliveryMode.IN_TRANSACTION:
            self.events.subscribe(event, handler)
        elif self.outbox.subscribe(module, event, handler, delivery):
            # To the bus, the outbox is a subscriber that writes in the publisher's transaction.
            self.events.subscribe(event, lambda: self.outbox.add)


def create_messaging(database: Database, clock: Clock, policy: DeliveryPolicy | None = None) -> Messaging:
    """Return the messaging of this database, without subscribers."""
    signals = Signals(database)
    outbox = Outbox(database, signals, clock, policy or DeliveryPolicy())
    dispatcher, outbox_admin = (
        Dispatcher(outbox, signals, clock),
        OutboxAdmin(database, signals, clock, outbox),
    )
    return Messaging(EventBus(database), signals, outbox, dispatcher, outbox_admin)
