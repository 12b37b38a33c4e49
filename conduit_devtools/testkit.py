"""The test kit: boots one module in memory, with fakes of the contracts that it needs.

For the tests of a module, in the tree or in a plugin, that use other modules only by their contracts.
Each provider has a fake of its contract in its `fakes.py`, tested by the same suite as the
implementation; the kernel's `fakes.py` has fakes of its own contracts::

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

The module runs with its real container, routes under /api, error handlers and middleware, on SQLite in
memory, migrated with its own and the kernel's revisions. Send requests with any ASGI client, such as
`httpx2.AsyncClient(transport=httpx2.ASGITransport(comments.application), base_url="http://test")`,
authenticated by a token of the `FakeTokenVerifier`. `await comments.publish(ArticlesDeleted(1, (7,)))`
delivers an event of another module; `comments.published` is the list of events that the module has
published.

Fakes that take part in transactions need the module's database, as above. The environment is not read:
settings are the ones passed, or their defaults.
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
    """A running module, without any other module."""

    module: Module
    """Its manifest."""

    offers: Mapping[type[Any], object]
    """The implementations of the contracts that it needs, as passed to `boot_module`."""

    application: FastAPI
    """The ASGI application: the module's routes under /api, behind the middleware."""

    container: ModuleContainer
    database: Database
    """The migrated database, with the tables of the module and of the kernel."""

    published: Sequence[Event]
    """The events that the module has published, in order, including those of failed transactions."""

    messaging: Messaging
    """The event bus and the outbox, which stores the deliveries that failed after the commit."""

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
        """Publish an event of another module, in a transaction.

        After-commit deliveries have been handled when this returns. Raises what a handler raises: of one in
        the transaction, which is rolled back; of one after the commit, whose delivery will be retried. Of
        several errors the first: the others are logged.
        """
        async with self.database.transaction():
            await self.messaging.events.publish(event)
        errors: list[Exception] = []
        self.messaging.dispatcher.on_failure.append(errors.append)
        try:
            await self.messaging.dispatcher.drain()
        finally:
            self.messaging.dispatcher.on_failure.remove(errors.append)
        if errors:
            raise errors[0]


@asynccontextmanager
async def boot_module(
    module: Module,
    offers: Mapping[type[Any], object],
    settings: ModuleSettings | None = None,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[ModuleTestApp]:
    """Boot one module with an implementation of each contract that it needs; close it on exit.

    settings: the settings of the module; default: the defaults of their class.
    database: an empty database, closed on exit; default: a new one in memory.
    clock: default: the system clock.

    Raises `CompositionError`, naming module and contract, if a contract that the module needs is
    missing from `offers`, or if `offers` contains a contract that the module offers itself.
    """
    database = database or Database(IN_MEMORY)
    try:
        yield await _boot(module, _shared_services(module, offers, settings, database, clock))
    finally:
        await database.dispose()


def _shared_services(
    module: Module,
    offers: Mapping[type[Any], object],
    settings: ModuleSettings | None,
    database: Database,
    clock: Clock | None,
) -> SharedServices:
    if settings is None and module.settings is not None:
        # model_construct uses the defaults and does not read the environment.
        settings = module.settings.model_construct()
    return SharedServices(
        database,
        signing_keys=(secrets.token_hex(),),
        clock=clock or SystemClock(),
        settings={} if settings is None else {module.name: settings},
        offers=offers,
    )


async def _boot(module: Module, shared: SharedServices) -> ModuleTestApp:
    modules = resolve_order([module], offered=shared.offers)
    composition = compose(modules, shared)
    await migrate(shared.database, composition.migratable)
    application = create_application(Settings.model_construct(log_level="warning"), composition)
    container = composition.containers[module.name]
    published = _published(module, container)
    return ModuleTestApp(
        module, shared.offers, application, container, shared.database, published, composition.messaging
    )


def _published(module: Module, container: ModuleContainer) -> Sequence[Event]:
    published: list[Event] = []

    async def record(event: Event) -> None:
        published.append(event)

    def handler() -> EventHandler[Event]:
        return record

    for event in module.publishes:
        container.events().subscribe(event, handler)
    return published
