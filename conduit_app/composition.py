"""Composition of modules: order them by their needs, wire them, subscribe them to events."""

import graphlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from dependency_injector import providers

from conduit_app.contract_versions import version_conflicts
from conduit_app.settings import load_settings
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.clock import Clock, SystemClock
from modules.kernel.domain.personal_data import PersonalData
from modules.kernel.domain.visibility import Audiences
from modules.kernel.infrastructure.idempotency import SqlIdempotencyStore
from modules.kernel.infrastructure.jobs import Jobs
from modules.kernel.infrastructure.maintenance import Maintenance
from modules.kernel.infrastructure.messaging.messaging import Messaging, create_messaging
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.settings import ModuleSettings
from modules.kernel.module import KERNEL, Module


class CompositionError(Exception):
    """The modules cannot be composed; the message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Composition:
    """Modules in the order of their needs, each with its wired container."""

    modules: Sequence[Module]
    containers: Mapping[str, ModuleContainer]
    database: Database
    messaging: Messaging
    jobs: Jobs
    maintenance: Maintenance

    @property
    def migratable(self) -> Sequence[Module]:
        """The kernel and the modules, in the order of their migration."""
        return [KERNEL, *self.modules]

    def owner(self, definition: object) -> str | None:
        """Return the name of the module whose package defines this class or function, or None."""
        defined_in = f"{getattr(definition, '__module__', '')}."
        owners = (module.name for module in self.modules if defined_in.startswith(f"{module.package}."))
        return next(owners, None)


@dataclass(frozen=True, slots=True)
class SharedServices:
    """The services that the application passes to every module."""

    database: Database
    signing_keys: tuple[str, ...]
    clock: Clock = field(default_factory=SystemClock)
    settings: Mapping[str, ModuleSettings] = field(default_factory=dict)
    """Settings by module name, which replace those of the environment."""

    delivery_retention: timedelta = timedelta(days=90)
    """How long undeliverable deliveries stay in the outbox."""

    offers: Mapping[type, object] = field(default_factory=dict)
    """Implementations of contracts that no module provides, such as a test's fakes."""


def resolve_order(
    modules: Iterable[Module], disabled: Iterable[str] = (), offered: Collection[type] = ()
) -> Sequence[Module]:
    """Return the enabled modules, each after the modules that it needs.

    Contracts in `offered` need no module that offers them. Raises `CompositionError`, naming the modules
    and the contract, when two modules have the same name, conflicting table prefixes or offer the same
    contract, when a contract is missing or has another version than a module was built with, or when
    the needs form a cycle.
    """
    available = list(modules)
    _check_conflicts([KERNEL, *available])
    for conflict in version_conflicts(available):
        raise CompositionError(conflict)
    disabled_names = set(disabled)
    if unknown := disabled_names - {module.name for module in available}:
        raise CompositionError(f"cannot disable {', '.join(sorted(unknown))}: there is no such module")
    enabled = {module.name: module for module in available if module.name not in disabled_names}
    offered_by = _offers(enabled.values(), offered)
    disabled_modules = [module for module in available if module.name in disabled_names]
    needs = {
        module.name: {
            _provider(module, contract, offered_by, disabled_modules).name: contract
            for contract in module.needs.values()
            if contract not in offered
        }
        for module in enabled.values()
    }
    return [enabled[name] for name in _sorted(needs)]


def _sorted(needs: Mapping[str, Mapping[str, type]]) -> Sequence[str]:
    try:
        return list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError as error:
        # Reversed: in graphlib's cycle, each node is needed by the next.
        edges = pairwise(reversed(error.args[1]))
        cycle = (
            f"{module} needs {needs[module][provider].__name__} of {provider}" for module, provider in edges
        )
        raise CompositionError(f"dependency cycle: {', '.join(cycle)}") from error


def compose(modules: Sequence[Module], shared: SharedServices) -> Composition:
    """Return the modules wired and subscribed to each other; they must be in the order of their needs."""
    kernel_database = shared.database.of(KERNEL.name)
    messaging = create_messaging(kernel_database, shared.clock)
    jobs = Jobs(kernel_database, shared.clock)
    jobs.add(
        f"{KERNEL.name}/old-deliveries",
        timedelta(hours=1),
        partial(messaging.outbox_admin.delete_old, shared.delivery_retention),
    )
    personal_data, audiences = PersonalData(), Audiences()
    shared_providers = _shared_providers(shared, messaging, personal_data, audiences)
    containers: dict[str, ModuleContainer] = {}
    offers: dict[type, providers.Provider[Any]] = {
        contract: providers.Object(implementation) for contract, implementation in shared.offers.items()
    }
    for module in modules:
        container = _container(module, shared, shared_providers, offers)
        containers[module.name] = container
        offers |= {contract: getattr(container, provider) for contract, provider in module.offers.items()}
        _subscribe(module, container, messaging)
        _add_jobs(module, container, jobs)
        if module.personal_data is not None:
            personal_data.add(module.name, partial(module.personal_data, container))
        if module.audiences is not None:
            audiences.add(module.name, partial(module.audiences, container))
    maintenance = Maintenance(kernel_database, shared.clock)
    return Composition(modules, containers, shared.database, messaging, jobs, maintenance)


def _subscribe(module: Module, container: ModuleContainer, messaging: Messaging) -> None:
    if module.deliveries is not None:
        messaging.outbox.limit(module.name, module.deliveries)
    for subscription in module.subscriptions:
        handler = partial(subscription.handler, container)
        try:
            messaging.subscribe(module.name, subscription.event, handler, subscription.delivery)
        except ValueError as error:
            raise CompositionError(str(error)) from error


def _add_jobs(module: Module, container: ModuleContainer, jobs: Jobs) -> None:
    for job in module.jobs:
        try:
            jobs.add(f"{module.name}/{job.name}", job.every, partial(job.run, container))
        except ValueError as error:
            raise CompositionError(str(error)) from error


def _shared_providers(
    shared: SharedServices, messaging: Messaging, personal_data: PersonalData, audiences: Audiences
) -> Mapping[str, providers.Provider[Any]]:
    """Return the providers that are the same for every module, by slot: not the database."""
    clock, signing_keys = shared.clock, shared.signing_keys
    services = {
        "events": messaging.events,
        "signals": messaging.signals,
        "personal_data": personal_data,
        "audiences": audiences,
        "idempotency": SqlIdempotencyStore(shared.database.of(KERNEL.name), clock, signing_keys),
        "clock": clock,
        "signing_keys": signing_keys,
    }
    return {slot: providers.Object(service) for slot, service in services.items()}


def _container(
    module: Module,
    shared: SharedServices,
    shared_providers: Mapping[str, providers.Provider[Any]],
    offers: Mapping[type, providers.Provider[Any]],
) -> ModuleContainer:
    settings = shared.settings.get(module.name) or (module.settings and load_settings(module.settings))
    return module.container(
        **shared_providers,
        database=providers.Object(shared.database.of(module.name)),
        settings=providers.Object(settings),
        **{slot: offers[contract] for slot, contract in module.needs.items()},
    )


def _check_conflicts(modules: Sequence[Module]) -> None:
    names = [module.name for module in modules]
    for name in names:
        if names.count(name) > 1:
            raise CompositionError(f"two modules are called {name}")
        # Tables belong to a module by prefix: `blog` would own the table `blog_post_vote`.
        for other in names:
            if other.startswith(f"{name}_"):
                raise CompositionError(
                    f"the tables of {name} and {other} cannot be distinguished by their prefix"
                )
    for module in modules:
        for table in module.schema.metadata.tables if module.schema else ():
            if not table.startswith(f"{module.name}_"):
                raise CompositionError(
                    f"the table {table} of {module.name} does not begin with {module.name}_"
                )


def _offers(modules: Iterable[Module], offered: Collection[type]) -> Mapping[type, Module]:
    offered_by: dict[type, Module] = {}
    for module in modules:
        for contract in module.offers:
            if contract in offered:
                raise CompositionError(f"{module.name} offers {contract.__name__}, and so does the outside")
            if contract in offered_by:
                raise CompositionError(
                    f"{offered_by[contract].name} and {module.name} both offer {contract.__name__}"
                )
            offered_by[contract] = module
    return offered_by


def _provider(
    module: Module, contract: type, offered_by: Mapping[type, Module], disabled_modules: Iterable[Module]
) -> Module:
    if contract in offered_by:
        return offered_by[contract]
    for other in disabled_modules:
        if contract in other.offers:
            raise CompositionError(
                f"{other.name} is disabled, but {module.name} requires its {contract.__name__}"
            )
    raise CompositionError(f"{module.name} needs {contract.__name__}, which no module offers")
