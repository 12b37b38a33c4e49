"""The OpenAPI document in parts, one per module, so that a change of one module changes its part only."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
Owners = Mapping[tuple[str, str], str]
"""The module of each operation, by path and upper-case method."""

REFERENCE = re.compile(r"'\$ref': '#/components/schemas/(.+?)'")


def split(document: Mapping[str, Any], owners: Owners, remainder: str) -> Mapping[str, Json]:
    """Return the parts by module.

    A part has the operations of its module, and all schemas that they refer to: parts with a schema in
    common have equal copies of it. What belongs to no module is in the part `remainder`.
    """
    schemas = document["components"]["schemas"]
    parts: dict[str, Json] = {
        remainder: {**document, "paths": {}, "components": {**document["components"], "schemas": {}}}
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            owner = owners.get((path, method.upper()), remainder)
            part = parts.setdefault(owner, {"paths": {}, "components": {"schemas": {}}})
            part["paths"].setdefault(path, {})[method] = operation
    for part in parts.values():
        used = set(_referenced(part, schemas))
        part["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name in used}
    return parts


def compose(parts: Iterable[Mapping[str, Any]]) -> Json:
    """Return the document that consists of these parts."""
    document: Json = {"paths": {}, "components": {"schemas": {}}}
    for part in parts:
        document |= {name: value for name, value in part.items() if name not in document}
        for path, item in part["paths"].items():
            document["paths"][path] = document["paths"].get(path, {}) | item
        schemas = document["components"]["schemas"] | part["components"]["schemas"]
        document["components"] |= {**part["components"], "schemas": schemas}
    return document


def _referenced(part: Json, schemas: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the schemas that the operations of a part refer to, also through other schemas."""
    seen: set[str] = set()
    pending = REFERENCE.findall(str(part["paths"]))
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            yield name
            pending += REFERENCE.findall(str(schemas[name]))
