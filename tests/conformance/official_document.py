"""RealWorld's official OpenAPI document (openapi.yml beside this file) as a judge of answers."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml  # type: ignore[import-untyped] # its types are a distribution of their own
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped] # as above
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.client import Json

FILE = Path(__file__).with_name("openapi.yml")
PREFIX = "/api"
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
ERROR = "#/components/schemas/GenericErrorModel"

# What the contract promises and the official document leaves out.
ADDED_STATUSES: Mapping[str, frozenset[int]] = {
    "UpdateCurrentUser": frozenset({409}),  # a username or e-mail that is taken, as at registration
    "Login": frozenset({429}),  # too many attempts
    "UpdateArticle": frozenset({412}),  # only if If-Match was sent
    "DeleteArticle": frozenset({412}),  # as above
    "GetArticle": frozenset({401}),  # authentication is optional here, and a bad token is refused everywhere
}
# What the server answers before any operation is asked: no such route, wrong method, body too large.
STATUSES_OF_NO_OPERATION = frozenset({404, 405})
STATUSES_OF_EVERY_OPERATION = frozenset({413})

# With fractional seconds and Z: stricter than the document's date-time (RFC 3339).
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")


class NotAsDocumented(AssertionError):
    """An answer that a frontend written against the official document would not expect."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What may be asked at one path with one method. The path is a template, without /api."""

    id: str
    method: str
    path: str
    responses: Mapping[int, str]
    """References to response objects, by status."""

    @property
    def statuses(self) -> frozenset[int]:
        """The documented statuses and those that the contract adds."""
        return frozenset(self.responses) | ADDED_STATUSES.get(self.id, frozenset())

    def answers(self, method: str, path: str) -> bool:
        """Return whether a request of this method and path asks for this operation."""
        template = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        return method == self.method and re.fullmatch(template, path) is not None


def operations_of(document: Json) -> Mapping[tuple[str, str], Json]:
    """Return the operation objects of any OpenAPI document by path, without /api, and method."""
    return {
        (path.removeprefix(PREFIX), method.upper()): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


class OfficialDocument:
    """The document, closed: what it does not name must not be in an answer."""

    def __init__(self, content: Json) -> None:
        self.content = content
        closed = DRAFT202012.create_resource(_closed(content))
        self._registry: Registry[Any] = Registry().with_resource("official", closed)
        formats = FormatChecker(formats=())
        formats.checks("date-time")(lambda value: TIMESTAMP.fullmatch(str(value)) is not None)
        self._formats = formats
        # A literal path comes before a template that would also fit it.
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
        """Return the operation that a request asks for, or None if the document has no such one."""
        # As it was sent: an encoded slash belongs to its segment.
        path = request.url.raw_path.decode("ascii").partition("?")[0].removeprefix(PREFIX)
        return next((each for each in self.operations if each.answers(request.method, path)), None)

    def check(self, answer: httpx2.Response) -> None:
        """Return if the answer is as documented, else raise `NotAsDocumented`."""
        problem = next(self._problems(answer), None)
        if problem is not None:
            request = answer.request
            raise NotAsDocumented(
                f"{request.method} {request.url} → {answer.status_code} {answer.text}: {problem}"
            )

    def check_error(self, answer: httpx2.Response) -> None:
        """Return if the answer has the one shape of all errors, else raise `NotAsDocumented`."""
        problem = next(self._problems_of_body(answer, ERROR), None)
        if problem is not None:
            raise NotAsDocumented(f"{answer.status_code} {answer.text}: {problem}")

    def _problems(self, answer: httpx2.Response) -> Iterator[str]:
        operation = self.operation(answer.request)
        statuses = STATUSES_OF_NO_OPERATION if operation is None else operation.statuses
        if answer.status_code not in statuses | STATUSES_OF_EVERY_OPERATION:
            yield "the status is not documented"
            return
        reference = operation and operation.responses.get(answer.status_code)
        schema = self._schema(reference) if reference else ERROR
        if schema is None:
            if answer.content:
                yield "there is a body"
            return
        yield from self._problems_of_body(answer, schema)

    def _schema(self, response: str) -> str | None:
        name = response.rpartition("/")[2]
        if not self.content["components"]["responses"][name]["content"]:
            return None
        return f"{response}/content/application~1json/schema"

    def _problems_of_body(self, answer: httpx2.Response, schema: str) -> Iterator[str]:
        kind = answer.headers.get("content-type", "").lower().replace(" ", "")
        if kind not in {"application/json", "application/json;charset=utf-8"}:
            yield f"the content type is {kind!r}"
            return
        validator = Draft202012Validator(
            {"$ref": f"official{schema}"}, registry=self._registry, format_checker=self._formats
        )
        for error in validator.iter_errors(answer.json()):
            yield f"{error.json_path}: {error.message}"


@functools.cache
def official() -> OfficialDocument:
    """Return RealWorld's official document."""
    return OfficialDocument(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _closed(node: Any) -> Any:
    # The document's objects are open, as objects in JSON Schema are; an answer's must not be.
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node:
        closed["additionalProperties"] = False
    return closed
