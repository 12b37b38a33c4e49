"""Catalog of the contracts and events of the enabled modules: owners, versions, consumers."""

import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import Enum
from html import escape
from typing import Any

from pydantic import TypeAdapter

from conduit_app.composition import Composition
from conduit_app.contract_versions import contract_version
from conduit_app.distribution import installed_version
from modules.kernel.domain.events import Event
from modules.kernel.module import Module

# Of a class in a signature, such as `collections.abc.`.
DOTTED_PREFIX = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])")


class CatalogFormat(Enum):
    """The output formats of the catalog."""

    JSON = "json"
    ASYNCAPI = "asyncapi"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class ContractEntry:
    """A contract that a module offers to others."""

    name: str
    module: str
    owner: str
    version: str
    summary: str
    methods: Sequence[str]
    consumers: Sequence[str]
    """The enabled modules that need it."""


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event that a module publishes."""

    name: str
    module: str
    owner: str
    summary: str
    schema_version: int
    ordering_key: str
    """The field that identifies the aggregate: after-commit deliveries of one aggregate are in order."""

    payload: Mapping[str, Any]
    """The JSON schema of a stored payload."""

    consumers: Sequence["EventConsumer"]
    """The subscriptions of the enabled modules."""


@dataclass(frozen=True, slots=True)
class EventConsumer:
    """A subscription to an event."""

    module: str
    delivery: str
    """When it is delivered."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The contracts and events of the enabled modules."""

    contracts: Sequence[ContractEntry]
    events: Sequence[EventEntry]


def describe_catalog(composition: Composition) -> Catalog:
    """Return the contracts and events of the enabled modules, in the order of their needs."""
    modules = composition.modules
    return Catalog(
        [_contract(module, contract, modules) for module in modules for contract in module.offers],
        [_event(module, event, modules) for module in modules for event in module.publishes],
    )


def _contract(module: Module, contract: type, modules: Sequence[Module]) -> ContractEntry:
    methods = [
        f"{name}{DOTTED_PREFIX.sub('', str(inspect.signature(method)))}"
        for name, method in vars(contract).items()
        if inspect.isfunction(method) and not name.startswith("_")
    ]
    return ContractEntry(
        contract.__name__,
        module.name,
        module.owner,
        contract_version(module) or "",
        inspect.getdoc(contract) or "",
        methods,
        [consumer.name for consumer in modules if contract in consumer.needs.values()],
    )


def _event(module: Module, event: type[Event], modules: Sequence[Module]) -> EventEntry:
    payload = TypeAdapter(event).json_schema(mode="serialization")
    return EventEntry(
        event.__name__,
        module.name,
        module.owner,
        payload.pop("description", ""),
        event.schema_version(),
        next((field.name for field in fields(event)), ""),
        payload,
        [
            EventConsumer(consumer.name, subscription.delivery.value)
            for consumer in modules
            for subscription in consumer.subscriptions
            if subscription.event is event
        ],
    )


def render_catalog(catalog: Catalog, form: CatalogFormat) -> str:
    """Return the catalog in this format."""
    if form is CatalogFormat.HTML:
        return _page(catalog)
    document = asdict(catalog) if form is CatalogFormat.JSON else asyncapi(catalog)
    return json.dumps(document, indent=2)


def asyncapi(catalog: Catalog) -> Mapping[str, Any]:
    """Return the events as an AsyncAPI document: https://www.asyncapi.com/docs/reference/specification/v3.1.0.

    A channel is an event of a module. What AsyncAPI has no field for is in extensions (`x-`).
    """
    channels, operations, messages = {}, {}, {}
    for event in catalog.events:
        key = f"{event.module}.{event.name}"
        channel = {"$ref": f"#/channels/{key}"}
        message = {"$ref": f"#/channels/{key}/messages/{event.name}"}
        channels[key] = {
            "address": key,
            "description": event.summary,
            "messages": {event.name: {"$ref": f"#/components/messages/{key}"}},
        }
        operations[f"{event.module}.publish.{event.name}"] = {
            "action": "send",
            "channel": channel,
            "messages": [message],
        }
        for number, consumer in enumerate(event.consumers, start=1):
            # A module may subscribe twice: in the transaction and after the commit.
            operations[f"{consumer.module}.handle.{event.name}.{number}"] = {
                "action": "receive",
                "channel": channel,
                "messages": [message],
                "x-delivery": consumer.delivery,
            }
        messages[key] = {
            "name": event.name,
            "summary": event.summary.partition("\n")[0],
            "payload": event.payload,
            "x-owner": event.owner,
            "x-schema-version": event.schema_version,
            "x-ordering-key": event.ordering_key,
        }
    return {
        "asyncapi": "3.1.0",
        "info": {"title": "Events of Conduit's modules", "version": installed_version()},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _page(catalog: Catalog) -> str:
    """Return a page without scripts, to be opened or published as a file."""
    contracts = [
        [
            f"<strong>{escape(contract.name)}</strong> {escape(contract.version)}",
            escape(f"{contract.module} {contract.owner}"),
            _paragraphs(contract.summary)
            + _items(f"<code>{escape(name)}</code>" for name in contract.methods),
            _items(map(escape, contract.consumers)),
        ]
        for contract in catalog.contracts
    ]
    events = [
        [
            f"<strong>{escape(event.name)}</strong> {event.schema_version}",
            escape(f"{event.module} {event.owner}"),
            _paragraphs(event.summary)
            + _items(
                f"<code>{escape(name)}</code>{' (ordering key)' if name == event.ordering_key else ''}"
                for name in event.payload.get("properties", {})
            ),
            _items(escape(f"{consumer.module}, {consumer.delivery}") for consumer in event.consumers),
        ]
        for event in catalog.events
    ]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8"><title>Contracts and events of Conduit</title>',
            "<style>:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.4 }",
            "body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem }",
            "table { border-collapse: collapse; width: 100% }",
            "th, td { border-bottom: 1px solid #8888; padding: 0.5rem }",
            "th, td { text-align: left; vertical-align: top }",
            "p, ul { margin: 0 } ul { padding-left: 1.2rem }</style></head><body>",
            "<h1>Contracts and events</h1>",
            "<h2>Contracts</h2>",
            _table(("contract, version", "module, owner", "methods", "consumers"), contracts),
            "<h2>Events</h2>",
            _table(("event, schema version", "module, owner", "payload", "consumers, delivery"), events),
            "</body></html>",
        ]
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in text.split("\n\n"))


def _items(items: Iterable[str]) -> str:
    lines = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else ""
