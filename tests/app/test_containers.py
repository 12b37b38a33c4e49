"""mypy does not see what a provider is given: whether it can be made shows when it is made."""

from collections.abc import Iterator

import pytest
from dependency_injector import providers

from conduit_app.composition import Composition
from conduit_app.discovery import discover
from modules.kernel.container import ModuleContainer
from modules.kernel.module import Module

MODULES = discover()


def slots(container: type[ModuleContainer] | ModuleContainer) -> Iterator[str]:
    """Yield the names of all that a container holds, its own, inherited and given ones."""
    return (name for name in container.providers if name != "__self__")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
class TestEveryContainer:
    def test_every_provider_can_be_resolved(self, composition: Composition, module: Module) -> None:
        container = composition.containers[module.name]
        made = {name for name in slots(container) if container.providers[name]() is not None}
        # Only the slot for settings may hold nothing.
        assert made | {"settings"} == set(slots(module.container)) > set(slots(ModuleContainer))

    def test_every_offer_is_what_its_contract_says(self, composition: Composition, module: Module) -> None:
        container = composition.containers[module.name]
        for contract, provider in module.offers.items():
            assert isinstance(getattr(container, provider)(), contract)

    def test_every_service_is_made_once(self, composition: Composition, module: Module) -> None:
        container = composition.containers[module.name]
        for name in slots(container):
            assert container.providers[name]() is container.providers[name]()

    def test_needs_and_slots_are_the_same_contracts(self, module: Module) -> None:
        given = set(slots(ModuleContainer))
        own = {
            name: provider.instance_of
            for name, provider in module.container.providers.items()
            if isinstance(provider, providers.Dependency) and name not in given
        }
        assert own == dict(module.needs)
