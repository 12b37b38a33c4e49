"""How modules become one application: ordered by what they need, wired, subscribed."""

import graphlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from dependency_injector import providers

from conduit_app.settings import load_settings
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.clock import Clock, SystemClock
from modules.kernel.domain.personal_data import PersonalData
from modules.kernel.infrastructure.idempotency import SqlIdempotencyStore
from modules.kernel.infrastructure.messaging.messaging import Messaging, create_messaging
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.settings import ModuleSettings
from modules.kernel.module import KERNEL, Module


class CompositionError(Exception):
    """The modules do not fit together; the message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Composition:
    """Modules in the order of their needs, each with its wired container."""

    modules: Sequence[Module]
    containers: Mapping[str, ModuleContainer]
    database: Database
    messaging: Messaging

    @property
    def migratable(self) -> Sequence[Module]:
        """All that migrates: the kernel, and then the modules."""
        return [KERNEL, *self.modules]

    def owner(self, definition: object) -> str | None:
        """Return the name of the module whose package defines this class or function, if one does."""
        defined_in = f"{getattr(definition, '__module__', '')}."
        owners = (module.name for module in self.modules if defined_in.startswith(f"{module.package}."))
        return next(owners, None)


@dataclass(frozen=True, slots=True)
class SharedServices:
    """What the application gives to every module."""

    database: Database
    signing_keys: tuple[str, ...]
    clock: Clock = field(default_factory=SystemClock)
    settings: Mapping[str, ModuleSettings] = field(default_factory=dict)
    """Settings by module name, instead of those of the environment."""

    offers: Mapping[type, object] = field(default_factory=dict)
    """Implementations of contracts that come from outside of all modules, such as a test's fakes."""


def resolve_order(
    modules: Iterable[Module], disabled: Iterable[str] = (), offered: Collection[type] = ()
) -> Sequence[Module]:
    """Return the modules that are switched on, each after those that it needs.

    Contracts that are `offered` from outside need no module that offers them. Raises
    `CompositionError`, naming modules and contract, when two have one name or table prefix, two
    offer the same, nobody offers what one needs, or the needs form a circle.
    """
    every = list(modules)
    _check_conflicts([KERNEL, *every])
    off = set(disabled)
    if unknown := off - {module.name for module in every}:
        raise CompositionError(f"cannot switch off {', '.join(sorted(unknown))}: there is no such module")
    on = {module.name: module for module in every if module.name not in off}
    offered_by = _offers(on.values(), offered)
    switched_off = [module for module in every if module.name in off]
    needs = {
        module.name: {
            _provider(module, contract, offered_by, switched_off).name: contract
            for contract in module.needs.values()
            if contract not in offered
        }
        for module in on.values()
    }
    return [on[name] for name in _sorted(needs)]


def _sorted(needs: Mapping[str, Mapping[str, type]]) -> Sequence[str]:
    try:
        return list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError as error:
        # In graphlib's circle each is needed by the next.
        steps = pairwise(reversed(error.args[1]))
        told = (f"{one} needs {needs[one][other].__name__} of {other}" for one, other in steps)
        raise CompositionError(f"modules need each other in a circle: {', '.join(told)}") from error


def compose(modules: Sequence[Module], shared: SharedServices) -> Composition:
    """Return the modules, which are in order, wired to each other and subscribed to each other's events."""
    messaging = create_messaging(shared.database, shared.clock)
    personal_data = PersonalData()
    given = _given(shared, messaging, personal_data)
    containers: dict[str, ModuleContainer] = {}
    offers: dict[type, providers.Provider[Any]] = {
        contract: providers.Object(implementation) for contract, implementation in shared.offers.items()
    }
    for module in modules:
        container = _container(module, shared, given, offers)
        containers[module.name] = container
        offers |= {contract: getattr(container, provider) for contract, provider in module.offers.items()}
        _subscribe(module, container, messaging)
        if module.personal_data is not None:
            personal_data.add(module.name, partial(module.personal_data, container))
    return Composition(modules, containers, shared.database, messaging)


def _subscribe(module: Module, container: ModuleContainer, messaging: Messaging) -> None:
    for subscription in module.subscriptions:
        handler = partial(subscription.handler, container)
        try:
            messaging.subscribe(module.name, subscription.event, handler, subscription.delivery)
        except ValueError as error:
            raise CompositionError(str(error)) from error


def _given(
    shared: SharedServices, messaging: Messaging, personal_data: PersonalData
) -> Mapping[str, providers.Provider[Any]]:
    """Return what is the same for every module, by slot."""
    database, clock, signing_keys = shared.database, shared.clock, shared.signing_keys
    given = {
        "database": database,
        "events": messaging.events,
        "signals": messaging.signals,
        "personal_data": personal_data,
        "idempotency": SqlIdempotencyStore(database, clock, signing_keys),
        "clock": clock,
        "signing_keys": signing_keys,
    }
    return {slot: providers.Object(one) for slot, one in given.items()}


def _container(
    module: Module,
    shared: SharedServices,
    given: Mapping[str, providers.Provider[Any]],
    offers: Mapping[type, providers.Provider[Any]],
) -> ModuleContainer:
    settings = shared.settings.get(module.name) or (module.settings and load_settings(module.settings))
    return module.container(
        **given,
        settings=providers.Object(settings),
        **{slot: offers[contract] for slot, contract in module.needs.items()},
    )


def _check_conflicts(modules: Sequence[Module]) -> None:
    names = [module.name for module in modules]
    for name in names:
        if names.count(name) > 1:
            raise CompositionError(f"two modules are called {name}")
        # A table belongs to the module whose name it begins with; `blog` would own `blog_post_vote`.
        for other in names:
            if other.startswith(f"{name}_"):
                raise CompositionError(
                    f"the tables of {name} and {other} cannot be told apart by their prefix"
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
    module: Module, contract: type, offered_by: Mapping[type, Module], switched_off: Iterable[Module]
) -> Module:
    if contract in offered_by:
        return offered_by[contract]
    for other in switched_off:
        if contract in other.offers:
            raise CompositionError(
                f"{other.name} is switched off, but {module.name} needs its {contract.__name__}"
            )
    raise CompositionError(f"{module.name} needs {contract.__name__}, which no module offers")
