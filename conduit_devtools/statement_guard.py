"""The guard against queries per row (N+1) in the lists and the subscriptions of a module.

A module calls it in one test, with a way to create a row for each operation::

    async def test_statements_do_not_depend_on_the_number_of_rows(context: Context) -> None:
        async def bookmark(number: int) -> ArticleId:
            ...

        await require_constant_statements(
            context.module,
            {
                "GetBookmarks": Case(bookmark, lambda _: context.call("GET", "/bookmarks", "anna")),
                UserDeleted: Case(bookmark, lambda _: context.module.publish(UserDeleted(anna))),
                ArticlesDeleted: Case(
                    bookmark, lambda ids: context.module.publish(ArticlesDeleted(jake, tuple(ids)))
                ),
            },
        )

Calls of other modules' contracts count like statements, because a fake sends none.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, TypeVar

import httpx2

from conduit_devtools.testkit import ModuleTestApp
from modules.kernel.domain.events import Event
from modules.kernel.infrastructure.persistence.schema import count_rows

FEW, MANY = 1, 20
JSON = "application/json"
RowT = TypeVar("RowT")
Operation = str | type[Event]
"""The operation id of a GET, or the event of a subscription."""


@dataclass(frozen=True, slots=True)
class Case(Generic[RowT]):
    """How to create one row, and how to send the request or publish the event, given what was created.

    `create` is called with the numbers of the rows, from 0. `send` is called with the results of `create`
    since it was called before, and returns the response if it sends a request.
    """

    create: Callable[[int], Awaitable[RowT]]
    send: Callable[[Sequence[RowT]], Awaitable[Any]]


async def require_constant_statements(app: ModuleTestApp, cases: Mapping[Operation, Case[Any]]) -> None:
    """Raise `AssertionError` if an operation sends more statements for 20 rows than for one.

    Also if a GET of the module that returns a list, or a subscription, has no case.
    """
    openapi = app.application.openapi()
    required: set[Operation] = {
        *lists(openapi),
        *(subscription.event for subscription in app.module.subscriptions),
    }
    problems = [f"{_name(operation)} has no case" for operation in required - cases.keys()]
    unknown = cases.keys() - required - _gets(openapi).keys()
    problems += [
        f"{_name(operation)} is neither a GET nor a subscription of the module" for operation in unknown
    ]
    for operation, case in cases.items():
        problems += [f"{_name(operation)} {problem}" for problem in await _problems(app, case)]
    if problems:
        raise AssertionError(f"{app.module.name}: {'; '.join(sorted(problems))}")


def lists(openapi: Mapping[str, Any]) -> Sequence[str]:
    """Return the ids of the GET operations that return a list: in JSON, or in another format than a stream.

    A list is an array of objects anywhere in the response, or an array of any kind in its top level.
    """
    schemas = openapi.get("components", {}).get("schemas", {})
    return [
        operation_id
        for operation_id, operation in _gets(openapi).items()
        for media_type, content in operation["responses"].get("200", {}).get("content", {}).items()
        if (media_type == JSON and _has_list(content.get("schema", {}), schemas))
        or media_type not in {JSON, "text/event-stream"}
    ]


def _gets(openapi: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return {path["get"]["operationId"]: path["get"] for path in openapi["paths"].values() if "get" in path}


def _has_list(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> bool:
    """Return whether the schema has an array of objects within ten levels, or any array in the first two."""
    if depth > 10:  # noqa: PLR2004 - see above
        return False
    if "$ref" in schema:
        return _has_list(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth)
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return depth <= 1 or "$ref" in items or items.get("type") == "object"
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("allOf", ())]
    return any(_has_list(part, schemas, depth + 1) for part in parts)


async def _problems(app: ModuleTestApp, case: Case[Any]) -> Sequence[str]:
    few, many = await _measure(app, case, range(FEW)), await _measure(app, case, range(FEW, MANY))
    if not many.has_more_than(few):
        return ["reads no more rows than before: create() must create those that it reads"]
    if more := many.statements - few.statements:
        added = [f"{number} more of {' '.join(text.split())[:120]}" for text, number in more.most_common(3)]
        numbers = (
            f"{many.statements.total()} statements for {MANY} rows and {few.statements.total()} for {FEW}"
        )
        return [f"sends {numbers}, among them {', '.join(added)}"]
    return []


@dataclass(frozen=True, slots=True)
class _Cost:
    statements: Counter[str]
    created_rows: int
    response: bytes | None

    def has_more_than(self, other: "_Cost") -> bool:
        """Return whether more rows were listed, or were there for the event."""
        if self.response is None or other.response is None:
            return self.created_rows >= MANY - FEW
        return len(self.response) > len(other.response)


async def _measure(app: ModuleTestApp, case: Case[Any], numbers: range) -> _Cost:
    before = await count_rows(app.database)
    created = [await case.create(number) for number in numbers]
    created_rows = await count_rows(app.database) - before
    with _counting(app) as statements:
        response = await case.send(created)
    if not isinstance(response, httpx2.Response):
        return _Cost(statements, created_rows, None)
    response.raise_for_status()
    return _Cost(statements, created_rows, response.content)


class _Statements(Counter[str]):
    def executed(self, statement: str, seconds: float) -> None:  # noqa: ARG002 - what an observer is passed
        self[statement] += 1


@contextmanager
def _counting(app: ModuleTestApp) -> Iterator[Counter[str]]:
    statements, undo = _Statements(), []
    for contract, offered in app.offers.items():
        # Objects without attributes of their own are not fakes.
        for name in _methods(contract) if hasattr(offered, "__dict__") else ():
            method = getattr(offered, name)
            counted = _counted(statements, f"{contract.__name__}.{name}()", method)
            # On the instance, so that the fake keeps its class.
            setattr(offered, name, counted)
            undo.append((offered, name))
    app.database.observers.append(statements)
    try:
        yield statements
    finally:
        app.database.observers.remove(statements)
        for offered, name in undo:
            delattr(offered, name)


def _methods(contract: type[Any]) -> Sequence[str]:
    return [name for name, member in vars(contract).items() if callable(member) and not name.startswith("_")]


def _counted(statements: Counter[str], name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def counted(*arguments: Any, **options: Any) -> Any:
        statements[name] += 1
        return method(*arguments, **options)

    return counted


def _name(operation: Operation) -> str:
    return operation if isinstance(operation, str) else f"the subscription to {operation.__name__}"
