"""Catalog of enabled modules: dependencies, contracts, routes, tables, events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from importlib import import_module
from importlib.metadata import packages_distributions, version
from inspect import getdoc

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from conduit_app.composition import Composition
from conduit_app.contract_versions import contract_version
from modules.kernel.domain.events import DeliveryMode
from modules.kernel.module import Module


@dataclass(frozen=True, slots=True)
class ModuleDescription:
    """The public description of one module."""

    name: str
    version: str
    summary: str
    needs: Mapping[str, str]
    """The module that offers it, by contract."""

    offers: Sequence[str]
    routes: Sequence[str]
    tables: Sequence[str]
    publishes: Sequence[str]
    handles: Mapping[str, str]
    """The module that publishes it, by event."""

    contract: str | None = None
    """The version of its contract."""

    built_with: Mapping[str, str] = field(default_factory=dict)
    """For a plugin, the versions of the contracts that it was built with, by module."""

    after_commit: Sequence[str] = ()
    """The events that it handles after the commit."""

    owner: str = ""
    """The team in the manifest, if it declares one."""

    def delivery_note(self, event: str) -> str:
        """Return a suffix for an event that is delivered after the commit, otherwise an empty string."""
        return " after the commit" if event in self.after_commit else ""


class ModulesFormat(Enum):
    """The output formats of the catalog."""

    TEXT = "text"
    JSON = "json"
    MERMAID = "mermaid"


def describe_modules(composition: Composition, application: FastAPI) -> Sequence[ModuleDescription]:
    """Return the descriptions of the enabled modules, in the order of their needs."""
    offered_by = {contract: module.name for module in composition.modules for contract in module.offers}
    # Once: it reads the metadata of all installed distributions.
    distributions = packages_distributions()
    return [
        _describe(module, composition, application, offered_by, distributions)
        for module in composition.modules
    ]


def _describe(
    module: Module,
    composition: Composition,
    application: FastAPI,
    offered_by: Mapping[type, str],
    distributions: Mapping[str, Sequence[str]],
) -> ModuleDescription:
    distribution = next(iter(distributions.get(module.package.partition(".")[0], ())), None)
    return ModuleDescription(
        name=module.name,
        owner=module.owner,
        version=version(distribution) if distribution else "unknown",
        summary=(getdoc(import_module(module.package)) or "").partition("\n")[0],
        needs={contract.__name__: offered_by[contract] for contract in module.needs.values()},
        offers=[contract.__name__ for contract in module.offers],
        routes=list(_routes(module, composition, application)),
        tables=sorted(module.schema.metadata.tables) if module.schema else [],
        publishes=[event.__name__ for event in module.publishes],
        handles={
            subscription.event.__name__: composition.owner(subscription.event) or "kernel"
            for subscription in module.subscriptions
        },
        contract=contract_version(module),
        built_with=module.built_with,
        after_commit=[
            subscription.event.__name__
            for subscription in module.subscriptions
            if subscription.delivery is not DeliveryMode.IN_TRANSACTION
        ],
    )


def _routes(module: Module, composition: Composition, application: FastAPI) -> Iterator[str]:
    for context in iter_route_contexts(application.routes):
        if context.endpoint is not None and composition.owner(context.endpoint) == module.name:
            yield from (f"{method} {context.path}" for method in sorted(context.methods or ()))


def render_modules(modules: Sequence[ModuleDescription], output_format: ModulesFormat) -> str:
    """Return the descriptions in this format."""
    if output_format is ModulesFormat.JSON:
        return json.dumps({"modules": [asdict(module) for module in modules]}, indent=2)
    if output_format is ModulesFormat.MERMAID:
        return mermaid(modules)
    return _table(modules)


def _table(modules: Sequence[ModuleDescription]) -> str:
    """Return a table that fits the terminal."""
    from rich.console import Console  # noqa: PLC0415 - the server does not need it
    from rich.table import Table  # noqa: PLC0415 - the server does not need it

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("MODULE", "NEEDS", "OFFERS", "HANDLES"):
        table.add_column(heading, overflow="fold")
    for heading in ("ROUTES", "TABLES"):
        table.add_column(heading, justify="right", no_wrap=True)
    for module in modules:
        table.add_row(
            _identity(module),
            "\n".join(_need(module, provider) for provider in dict.fromkeys(module.needs.values())),
            "\n".join(module.offers),
            "\n".join(f"{event}{module.delivery_note(event)}" for event in module.handles),
            str(len(module.routes)),
            str(len(module.tables)),
        )
    console = Console(color_system=None)
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join([*lines, "", "All details: conduit modules --format json"])


def _identity(module: ModuleDescription) -> str:
    contract = f"contract {module.contract}" if module.contract else ""
    return "\n".join(filter(None, (f"{module.name} {module.version}", contract, module.owner)))


def _need(module: ModuleDescription, provider: str) -> str:
    return f"{provider} {module.built_with.get(provider, '')}".rstrip()


def mermaid(modules: Sequence[ModuleDescription]) -> str:
    """Return the modules as a Mermaid graph: solid arrows are needs, dotted arrows are events.

    The line of each module is between its own arrows and those of the previous one, so that git merges the
    arrows that two teams add.
    """
    lines = ["graph BT"]
    for module in modules:
        lines.append(f"    {module.name}")
        for provider in dict.fromkeys(module.needs.values()):
            contracts = ", ".join(
                contract for contract, offered in module.needs.items() if offered == provider
            )
            lines.append(f"    {module.name} -->|{contracts}| {provider}")
        for event, publisher in module.handles.items():
            lines.append(f"    {publisher} -.->|{event}| {module.name}")
    return "\n".join(lines)
