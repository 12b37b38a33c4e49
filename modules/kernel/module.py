"""The manifest: everything the application knows of a module."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from modules.kernel.container import ModuleContainer
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.events import DeliveryMode, Event, EventHandler, PreparingHandler
from modules.kernel.domain.personal_data import PersonalDataSource
from modules.kernel.infrastructure.persistence.schema import Schema
from modules.kernel.infrastructure.settings import ModuleSettings
from modules.kernel.infrastructure.tables import SCHEMA


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler for one event, called inside the publisher's transaction or after its commit.

    `handler` returns the handler from the subscriber's container. After the commit it runs in a
    transaction of its own, which also deletes the delivery: its writes take effect once. With
    `PREPARED_AFTER_COMMIT` it is a `PreparingHandler`, and its effect runs in that transaction.
    """

    event: type[Event]
    handler: Callable[[Any], EventHandler[Any] | PreparingHandler[Any]]
    delivery: DeliveryMode = DeliveryMode.IN_TRANSACTION


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a module for operators: `conduit MODULE NAME`.

    `help` describes it; the application adds the example. `run` is called with the module's container,
    on a migrated database, and returns the message to print at the end.
    """

    name: str
    help: str
    run: Callable[[Any], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge of this process in `/metrics`: `conduit_MODULE_NAME`.

    `read` is called with the module's container at each scrape, and must be fast.
    """

    name: str
    help: str
    read: Callable[[Any], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The manifest of a module: `MODULE` in its `module.py`.

    name: its folder, the prefix of its tables and its name in settings.
    container: its dependency-injector container; the application fills the slots.
    needs: container slot to the contract that another module must offer for it.
    offers: contract to the name of the provider that implements it.
    routers: functions that create its routers from its container; they are mounted under /api.
    subscriptions: its handlers of other modules' events.
    publishes: the events it publishes.
    schema: its tables and migrations, if any.
    settings: its settings class, if any; read from the environment with the prefix CONDUIT_.
    personal_data: returns, from its container, the function that exports a user's data.
    checks: returns, from its container, its consistency checks, in the order of their repair.
    demo: fills its part of a demonstration database, after the modules it needs.
    commands: its commands for operators, under the module's name.
    gauges: its metrics.
    after_restore: runs, with its container, after the database was restored from a backup.
    unauthenticated: operations that change something and need no token, such as POST /api/users: the reason.
    built_with: for a plugin, the version of each module's contract that it uses: the module's name to 1.2,
        which accepts 1.2 and later, but not 2.0.
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
    checks: Callable[[Any], Sequence[ConsistencyCheck]] | None = None
    demo: Callable[[Any, Demo], Awaitable[None]] | None = None
    commands: Sequence[Command] = ()
    gauges: Sequence[Gauge] = ()
    after_restore: Callable[[Any], Awaitable[None]] | None = None
    unauthenticated: Mapping[str, str] = field(default_factory=dict)
    built_with: Mapping[str, str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The Python package in which the module's container is defined."""
        return self.container.__module__.rpartition(".")[0]


# The kernel is not a module and is not discovered. It has a manifest because it has tables to migrate.
KERNEL = Module(name="kernel", container=ModuleContainer, schema=SCHEMA)
