"""The wiring of containers, whose arguments mypy does not check."""

from collections.abc import Iterator

import pytest
from dependency_injector import providers

from conduit_app.composition import Composition
from conduit_app.discovery import discover
from modules.kernel.container import ModuleContainer
from modules.kernel.module import Module

MODULES = discover()


def slots(container: type[ModuleContainer] | ModuleContainer) -> Iterator[str]:
    """Yield the names of a container's providers, including inherited ones."""
    return (name for name in container.providers if name != "__self__")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
class TestEveryContainer:
    def test_providers_can_be_resolved(self, composition: Composition, module: Module) -> None:
        container = composition.containers[module.name]
        resolved = {name for name in slots(container) if container.providers[name]() is not None}
        # Only settings may be None.
        assert resolved | {"settings"} == set(slots(module.container)) > set(slots(ModuleContainer))

    def test_offers_implement_their_contracts(self, composition: Composition, module: Module) -> None:
        container = composition.containers[module.name]
        for contract, provider in module.offers.items():
            assert isinstance(getattr(container, provider)(), contract)

    def test_services_are_singletons(self, composition: Composition, module: Module) -> None:
        container = composition.containers[module.name]
        for name in slots(container):
            assert container.providers[name]() is container.providers[name]()

    def test_dependencies_are_the_needs_of_the_manifest(self, module: Module) -> None:
        shared = set(slots(ModuleContainer))
        own = {
            name: provider.instance_of
            for name, provider in module.container.providers.items()
            if isinstance(provider, providers.Dependency) and name not in shared
        }
        assert own == dict(module.needs)
