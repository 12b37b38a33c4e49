"""Checking responses against RealWorld's official OpenAPI document (openapi.yml)."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml  # type: ignore[import-untyped] # its types are a distribution of their own
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped] # as above
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.api_additions import AddedField, declared_additions
from tests.client import Json

FILE = Path(__file__).with_name("openapi.yml")
PREFIX = "/api"
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
ERROR = "#/components/schemas/GenericErrorModel"

# Responses before routing to an operation: unknown route, wrong method, body too large.
UNROUTED_STATUSES = frozenset({404, 405})
COMMON_STATUSES = frozenset({413})

# With fractional seconds and Z: stricter than the document's date-time (RFC 3339).
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")


class NotAsDocumented(AssertionError):
    """A response that differs from the official document."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the document. The path is a template, without /api."""

    id: str
    method: str
    path: str
    responses: Mapping[int, str]
    """References to response objects, by status."""

    @property
    def statuses(self) -> frozenset[int]:
        """The documented statuses, and those that modules add."""
        added = (additions.statuses.get(self.id, frozenset()) for additions in declared_additions())
        return frozenset(self.responses).union(*added)

    def matches(self, method: str, path: str) -> bool:
        """Return whether a request with this method and path is of this operation."""
        template = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        return method == self.method and re.fullmatch(template, path) is not None


def operations_of(document: Json) -> Mapping[tuple[str, str], Json]:
    """Return the operations of an OpenAPI document by path, without /api, and method."""
    return {
        (path.removeprefix(PREFIX), method.upper()): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


class OfficialDocument:
    """The document with closed objects: responses must have no other properties."""

    def __init__(self, content: Json) -> None:
        self.content = content
        closed = DRAFT202012.create_resource(_closed(content))
        self._registry: Registry[Any] = Registry().with_resource("official", closed)
        formats = FormatChecker(formats=())
        formats.checks("date-time")(lambda value: TIMESTAMP.fullmatch(str(value)) is not None)
        self._formats = formats
        # Literal paths first, because templates may match them too.
        self.operations = tuple(
            Operation(
                operation["operationId"],
                method,
                path,
                {int(status): response["$ref"] for status, response in operation["responses"].items()},
            )
            for (path, method), operation in sorted(
                operations_of(content).items(), key=lambda entry: "{" in entry[0][0]
            )
        )

    def operation(self, request: httpx2.Request) -> Operation | None:
        """Return the operation of a request, or None if the document has none."""
        # The raw path, because an encoded slash belongs to its segment.
        path = request.url.raw_path.decode("ascii").partition("?")[0].removeprefix(PREFIX)
        return next(
            (operation for operation in self.operations if operation.matches(request.method, path)), None
        )

    def check(self, response: httpx2.Response) -> None:
        """Check the response. Raises `NotAsDocumented`."""
        problem = next(self._problems(response), None)
        if problem is not None:
            request = response.request
            raise NotAsDocumented(
                f"{request.method} {request.url} → {response.status_code} {response.text}: {problem}"
            )

    def check_error(self, response: httpx2.Response) -> None:
        """Check that the response has the common error body. Raises `NotAsDocumented`."""
        problem = next(self._problems_of_body(response, ERROR), None)
        if problem is not None:
            raise NotAsDocumented(f"{response.status_code} {response.text}: {problem}")

    def _problems(self, response: httpx2.Response) -> Iterator[str]:
        operation = self.operation(response.request)
        statuses = UNROUTED_STATUSES if operation is None else operation.statuses
        if response.status_code not in statuses | COMMON_STATUSES:
            yield "the status is not documented"
            return
        reference = operation and operation.responses.get(response.status_code)
        schema = self._schema(reference) if reference else ERROR
        if schema is None:
            if response.content:
                yield "there is a body"
            return
        yield from self._problems_of_body(response, schema)

    def _schema(self, reference: str) -> str | None:
        name = reference.rpartition("/")[2]
        if not self.content["components"]["responses"][name]["content"]:
            return None
        return f"{reference}/content/application~1json/schema"

    def _problems_of_body(self, response: httpx2.Response, schema: str) -> Iterator[str]:
        kind = response.headers.get("content-type", "").lower().replace(" ", "")
        if kind not in {"application/json", "application/json;charset=utf-8"}:
            yield f"the content type is {kind!r}"
            return
        validator = Draft202012Validator(
            {"$ref": f"official{schema}"}, registry=self._registry, format_checker=self._formats
        )
        for error in validator.iter_errors(response.json()):
            yield f"{error.json_path}: {error.message}"


@functools.cache
def official() -> OfficialDocument:
    """Return RealWorld's official document, with the fields that modules add."""
    fields = (added for additions in declared_additions() for added in additions.fields)
    return OfficialDocument(with_fields(yaml.safe_load(FILE.read_text(encoding="utf-8")), fields))


def with_fields(content: Json, fields: Iterable[AddedField]) -> Json:
    """Return the document with these fields in its schemas. Changes it in place."""
    for added in fields:
        schema = content["components"]["schemas"][added.schema]
        assert added.name not in schema["properties"], f"{added.schema} has {added.name}"
        schema["properties"][added.name] = added.definition
        if added.required:
            schema.setdefault("required", []).append(added.name)
    return content


def _closed(node: Any) -> Any:
    # Objects in JSON Schema are open by default; responses must have no undocumented properties.
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node:
        closed["additionalProperties"] = False
    return closed
