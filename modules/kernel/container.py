"""The container that every module's container extends."""

from typing import Any

from dependency_injector import containers, providers

from modules.kernel.domain.clock import Clock
from modules.kernel.domain.idempotency import IdempotencyStore
from modules.kernel.domain.personal_data import PersonalData
from modules.kernel.domain.visibility import Audiences
from modules.kernel.infrastructure.messaging.event_bus import EventBus
from modules.kernel.infrastructure.messaging.signals import Signals
from modules.kernel.infrastructure.persistence.database import Database


class ModuleContainer(containers.DeclarativeContainer):
    """The slots that the application fills for every module.

    personal_data: the data that all modules store about one user.
    audiences: the audiences that a viewer is in, of all modules.
    idempotency: runs a request with an Idempotency-Key once.
    signing_keys: secrets that sign and verify tokens and cursors; the first one signs.
    settings: an instance of the settings class in the module's manifest.
    """

    database = providers.Dependency(instance_of=Database)
    events = providers.Dependency(instance_of=EventBus)
    signals = providers.Dependency(instance_of=Signals)
    clock = providers.Dependency(instance_of=Clock)
    personal_data = providers.Dependency(instance_of=PersonalData)
    audiences = providers.Dependency(instance_of=Audiences)
    idempotency = providers.Dependency(instance_of=IdempotencyStore)
    signing_keys: providers.Dependency[tuple[str, ...]] = providers.Dependency(instance_of=tuple)
    settings: providers.Dependency[Any] = providers.Dependency()
