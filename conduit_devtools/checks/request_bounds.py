"""The check that every list, mapping and string in a request body has a maximum size."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout, SourceFile

Json = Mapping[str, Any]

# The keyword of a JSON schema that limits the size of each type.
LIMITS = {"array": "maxItems", "object": "maxProperties", "string": "maxLength"}
# Strings of these schemas have a size of their own.
SIZED = frozenset({"enum", "const", "format"})


def check_request_bounds(checkout: Checkout, document: Json) -> Iterator[Finding]:
    """Yield a finding for each field in a request body of the OpenAPI document that has no maximum size."""
    for schema, field, limit in unbounded_fields(document):
        message = f"{schema}.{field} has no {limit}"
        file, node = _declaration(checkout, schema, field)
        if file is None or node is None:
            yield Finding(RULES["request-bounds"], Path("modules/kernel/openapi.json"), 1, message)
        else:
            yield file.finding("request-bounds", node, message)


def unbounded_fields(document: Json) -> Iterator[tuple[str, str, str]]:
    """Yield the fields in request bodies without a maximum: schema (or operation), field, missing keyword."""
    for name, schema in _bodies(document).items():
        for field, field_schema in schema.get("properties", {"body": schema}).items():
            for limit in _missing_limits(field_schema):
                yield name, field, limit


def _bodies(document: Json) -> Mapping[str, Json]:
    """Return every schema that a request body uses, by name; one without a name by its operation."""
    schemas = document.get("components", {}).get("schemas", {})
    used: dict[str, Json] = {}
    for item in document["paths"].values():
        for operation in item.values():
            body = operation.get("requestBody", {})
            for media in body.get("content", {}).values():
                root = media.get("schema", {})
                if "$ref" not in root:
                    used[operation["operationId"]] = root
                pending = list(_references(root))
                while pending:
                    name = pending.pop()
                    if name not in used:
                        used[name] = schemas[name]
                        pending += _references(schemas[name])
    return used


def _references(schema: Any) -> Iterator[str]:
    return iter(re.findall(r"'\$ref': '#/components/schemas/(.+?)'", str(schema)))


def _missing_limits(schema: Json) -> Iterator[str]:
    types = schema.get("type", ())
    for type_ in [types] if isinstance(types, str) else types:
        limit = LIMITS.get(type_)
        sized = bool(SIZED & schema.keys()) or (type_ == "object" and not schema.get("additionalProperties"))
        if limit is not None and limit not in schema and not sized:
            yield limit
    nested = [schema.get("items"), schema.get("additionalProperties")]
    nested += [option for keyword in ("anyOf", "oneOf", "allOf") for option in schema.get(keyword, ())]
    for inner in nested:
        if isinstance(inner, dict):
            yield from _missing_limits(inner)


def _declaration(
    checkout: Checkout, schema: str, field: str
) -> tuple[SourceFile, ast.AST] | tuple[None, None]:
    """Return the field in the class that the schema is named after, or the class."""
    for file in (file for module in checkout.modules for file in module.files):
        for definition in file.classes:
            if definition.name == schema:
                fields = [node for node in definition.body if isinstance(node, ast.AnnAssign)]
                named = [node for node in fields if to_camel(ast.unparse(node.target)) == field]
                return file, named[0] if named else definition
    return None, None
