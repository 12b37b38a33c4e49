"""A module on its own: booted in memory, with fakes of the contracts that it needs.

For the tests of one module, in the tree or a plugin's, that need nothing of the others but their
contracts. What a module needs is given as fakes; each provider ships the fake of its contract in its
`fakes.py`, tested against the same suite as the real thing, and the kernel ships those of its own::

    @pytest.fixture
    async def comments() -> AsyncIterator[ModuleTestApp]:
        database = Database(IN_MEMORY)
        profiles = FakeProfileReader()
        offers: dict[type, object] = {
            ArticleDirectory: FakeArticleDirectory(database, profiles),
            ProfileReader: profiles,
            TokenVerifier: FakeTokenVerifier(),
        }
        async with boot_module(MODULE, offers, database=database, clock=FakeClock()) as comments:
            yield comments

What runs is what serves: the real container, routes under /api, error handlers and middleware, on
SQLite in memory with this module's migrations and the kernel's. Call it with any client that speaks
ASGI, such as
`httpx2.AsyncClient(transport=httpx2.ASGITransport(comments.application), base_url="http://test")`,
and sign requests with a token of the `FakeTokenVerifier`. `await comments.publish(ArticleDeleted(7))`
tells it what happened elsewhere; `comments.told` is what it told others.

A fake that speaks of transactions is given the database that the module runs on, as above. Nothing is
read from the environment: settings are the ones given, or their defaults.
"""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from conduit_app.application import create_application
from conduit_app.composition import SharedServices, compose, resolve_order
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.clock import Clock, SystemClock
from modules.kernel.domain.events import Event, EventHandler
from modules.kernel.infrastructure.messaging.messaging import Messaging
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.settings import ModuleSettings
from modules.kernel.module import Module

IN_MEMORY = "sqlite+aiosqlite://"


@dataclass(frozen=True, slots=True)
class ModuleTestApp:
    """A module that runs by itself, and the ways into it."""

    application: FastAPI
    """ASGI: the module's routes under /api, behind the middleware of every request."""

    container: ModuleContainer
    database: Database
    """Migrated, and holding this module's tables and the kernel's."""

    published: Sequence[Event]
    """The events that the module has published, in order, also in transactions that failed later."""

    messaging: Messaging
    """What carries events to the module: its outbox holds what could not be handled after the commit."""

    @property
    def examples(self) -> Mapping[str, Mapping[str, object]]:
        """The examples of JSON responses in the OpenAPI document, by operation id and status."""
        operations = (
            operation for path in self.application.openapi()["paths"].values() for operation in path.values()
        )
        return {
            operation["operationId"]: {
                status: response["content"]["application/json"].get("example")
                for status, response in operation["responses"].items()
                if "application/json" in response.get("content", {})
            }
            for operation in operations
        }

    async def publish(self, event: Event) -> None:
        """Tell the module an event of another module, inside a transaction as its publisher would.

        What it wants to be told after the commit, it has been told when this returns. Raises what a
        handler inside raises; then the transaction is undone.
        """
        async with self.database.transaction():
            await self.messaging.events.publish(event)
        await self.messaging.dispatcher.drain()


@asynccontextmanager
async def boot_module(
    module: Module,
    offers: Mapping[type[Any], object],
    settings: ModuleSettings | None = None,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[ModuleTestApp]:
    """Boot one module, with an implementation of each contract it needs, and close it at the end.

    settings: the module's own; by default the defaults of their class.
    database: an empty one, closed at the end; by default a new one in memory.
    clock: by default the machine's.

    Raises `CompositionError`, naming module and contract, for a contract that it needs and that is
    not offered, or that is offered though the module offers it itself.
    """
    database = database or Database(IN_MEMORY)
    try:
        yield await _booted(module, _surroundings(module, offers, settings, database, clock))
    finally:
        await database.dispose()


def _surroundings(
    module: Module,
    offers: Mapping[type[Any], object],
    settings: ModuleSettings | None,
    database: Database,
    clock: Clock | None,
) -> SharedServices:
    if settings is None and module.settings is not None:
        # model_construct: the defaults, whatever the environment of the test says.
        settings = module.settings.model_construct()
    return SharedServices(
        database,
        signing_keys=(secrets.token_hex(),),
        clock=clock or SystemClock(),
        settings={} if settings is None else {module.name: settings},
        offers=offers,
    )


async def _booted(module: Module, shared: SharedServices) -> ModuleTestApp:
    modules = resolve_order([module], offered=shared.offers)
    composition = compose(modules, shared)
    await migrate(shared.database, composition.migratable)
    application = create_application(Settings.model_construct(log_level="warning"), composition)
    container = composition.containers[module.name]
    published = _published(module, container)
    return ModuleTestApp(application, container, shared.database, published, composition.messaging)


def _published(module: Module, container: ModuleContainer) -> Sequence[Event]:
    published: list[Event] = []

    async def note(event: Event) -> None:
        published.append(event)

    def listener() -> EventHandler[Event]:
        return note

    for event in module.publishes:
        container.events().subscribe(event, listener)
    return published
