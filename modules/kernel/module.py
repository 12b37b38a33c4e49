"""The manifest: all that the application knows of a module."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from modules.kernel.container import ModuleContainer
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.events import DeliveryMode, Event, EventHandler
from modules.kernel.domain.personal_data import PersonalDataSource
from modules.kernel.infrastructure.persistence.schema import Schema
from modules.kernel.infrastructure.settings import ModuleSettings
from modules.kernel.infrastructure.tables import SCHEMA


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler for one event, told inside the publisher's transaction or after its commit.

    `handler` picks the handler out of the subscriber's container. After the commit it runs in a
    transaction of its own, which also notes that the event is handled: what it writes is written once.
    """

    event: type[Event]
    handler: Callable[[Any], EventHandler[Any]]
    delivery: DeliveryMode = DeliveryMode.IN_TRANSACTION


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator may have a module do: `conduit MODULE NAME`.

    `help` says what for; the help adds the example. `run` is given the module's container, on a migrated
    database, and returns what to say at the end.
    """

    name: str
    help: str
    run: Callable[[Any], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that operators watch: `conduit_MODULE_NAME` in `/metrics`, of this process, right now.

    `read` is given the module's container, and takes no time worth mentioning.
    """

    name: str
    help: str
    read: Callable[[Any], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What a module is made of. Each has one, called `MODULE`, in its `module.py`.

    name: its folder, the prefix of its tables and what settings call it.
    container: its dependency-injector container; the application fills the slots.
    needs: container slot to the contract that another module must offer for it.
    offers: contract to the name of the provider that implements it.
    routers: make this module's routers from its container; they are mounted under /api.
    subscriptions: what it does when others' events happen.
    publishes: the events it tells.
    schema: its tables and migrations, if it stores anything.
    settings: its settings, if it has any; read from the environment with the prefix CONDUIT_.
    personal_data: picks out of its container what tells a user all that it keeps about them.
    demo: fills its part of a demonstration database, after the modules it needs.
    commands: what operators may call, under the module's name.
    figures: what operators may watch.
    """

    name: str
    container: type[ModuleContainer]
    needs: Mapping[str, type] = field(default_factory=dict)
    offers: Mapping[type, str] = field(default_factory=dict)
    routers: Sequence[Callable[[Any], APIRouter]] = ()
    subscriptions: Sequence[Subscription] = ()
    publishes: Sequence[type[Event]] = ()
    schema: Schema | None = None
    settings: type[ModuleSettings] | None = None
    personal_data: Callable[[Any], PersonalDataSource] | None = None
    demo: Callable[[Any, Demo], Awaitable[None]] | None = None
    commands: Sequence[Command] = ()
    gauges: Sequence[Gauge] = ()

    @property
    def package(self) -> str:
        """The Python package of the module, where its container is defined."""
        return self.container.__module__.rpartition(".")[0]


# The kernel is no module that could be left out, and nothing discovers it. But it keeps a table.
KERNEL = Module(name="kernel", container=ModuleContainer, schema=SCHEMA)
