"""What modules add to RealWorld's official API: each declares it in `tests/<module>/additions.py`."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.client import Json

ANONYMOUS, DELETED, OTHER, OWNER = "anonymous", "deleted", "anna", "jake"
"""The callers: nobody, a user whose account was deleted, another user, the author of the resource."""

PUBLIC = {ANONYMOUS: 200, DELETED: 200, OTHER: 200, OWNER: 200}
"""Anybody, and the caller makes no difference. `OPTIONAL`: a token changes the response."""
OPTIONAL = PUBLIC
AUTHENTICATED = PUBLIC | {ANONYMOUS: 401, DELETED: 401}


@dataclass(frozen=True, slots=True)
class Access:
    """An operation, a valid body, and the expected status for each caller."""

    operation: str
    """Method and path: `GET /api/tags`. `{slug}` is an article, `{username}` its author, `{id}` a comment."""

    expected: Mapping[str, int]
    success: int = 200
    body: Json | None = None

    def __str__(self) -> str:
        return self.operation


def owner_only(success: int = 200) -> Mapping[str, int]:
    """Return the statuses of an operation that only the resource's author may use."""
    return {ANONYMOUS: 401, DELETED: 401, OTHER: 403, OWNER: success}


@dataclass(frozen=True)
class Step:
    """A request of the session of `tests/docs/test_examples.py`, and the status of its response.

    The default body is the example of the OpenAPI document.
    """

    operation: str
    status: int
    user: str | None = None
    body: Json | None = None
    query: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_example: bool = True
    """Whether the response is an example in the document."""


@dataclass(frozen=True, slots=True)
class AddedField:
    """A property that a schema of the official document does not have."""

    schema: str
    name: str
    definition: Json
    required: bool
    """Whether every response has it. A field of a request must stay optional."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What a module adds to the official API. Nothing that the official document has may change."""

    operations: Mapping[str, Access] = field(default_factory=dict)
    """By operation id."""

    statuses: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Of official operations, by operation id, as the two below."""

    parameters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Optional ones, in lower case."""

    fields: Sequence[AddedField] = ()
    steps: Sequence[Step] = ()
    """The requests that the module's `examples.json` shows, after those of the official operations.

    jake has published the article `{slug}`, and anna its comment `{id}`.
    """


@cache
def declared_additions() -> Sequence[Additions]:
    """Return the additions of every module that declares some."""
    return tuple(_declared())


def _declared() -> Iterator[Additions]:
    for file in sorted(Path(__file__).parent.glob("*/additions.py")):
        additions: Additions = importlib.import_module(f"tests.{file.parent.name}.additions").ADDITIONS
        yield additions
