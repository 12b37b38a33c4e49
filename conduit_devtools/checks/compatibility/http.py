"""The comparison of the committed OpenAPI documents."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conduit_devtools.architecture.openapi_changes import METHODS, Json, changes
from conduit_devtools.checks.compatibility.change import Change, IncomparableFile, Verdict

CLIENTS = "HTTP clients"
DOCUMENT = Path("docs/openapi.json")
AUTHENTICATION_REMOVED = "authentication removed"
EMPTY: Json = {"paths": {}}


def is_openapi_document(path: Path) -> bool:
    """Return whether this file of a checkout is, or is a part of, its OpenAPI document."""
    return path == DOCUMENT


@dataclass(frozen=True, slots=True)
class OperationChange:
    """A change of the HTTP interface, and the ids of the operations at its path."""

    change: Change
    operation_ids: Collection[str]


def compare_documents(old: Mapping[Path, str], new: Mapping[Path, str]) -> Iterator[OperationChange]:
    """Yield the changes between the documents in files of the base and of the working tree."""
    for file in sorted(old.keys() | new.keys()):
        before, after = _parsed(file, old.get(file)), _parsed(file, new.get(file))
        for change in [*_additions_and_breakages(before, after, file, new.get(file, ""))]:
            paths = [document["paths"].get(_path(change.thing), {}) for document in (before, after)]
            ids = {item[method]["operationId"] for item in paths for method in METHODS if method in item}
            yield OperationChange(change, ids)


def _additions_and_breakages(old: Json, new: Json, file: Path, text: str) -> Iterator[Change]:
    for change in changes(old, new):
        thing = " ".join(change.where.split()[:2])
        what = f"{change.where.removeprefix(thing).strip()} {change.what}".strip()
        verdict = Verdict.BREAKING if change.breaking else Verdict.ADDITIVE
        yield Change(thing, what, verdict, file, line_of_path(text, change.path), (CLIENTS,))
    for path, method, operation in operations(old):
        after = new["paths"].get(path, {}).get(method)
        if after is not None and is_authenticated(operation) and not is_authenticated(after):
            thing = f"{method.upper()} {path}"
            line = line_of_path(text, path)
            yield Change(thing, AUTHENTICATION_REMOVED, Verdict.BREAKING, file, line, (CLIENTS,))


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield the path, method and description of each operation."""
    for path, item in document["paths"].items():
        yield from ((path, method, item[method]) for method in METHODS if method in item)


def is_authenticated(operation: Json) -> bool:
    """Return whether an operation refuses anonymous requests: `{}` is the alternative without a token."""
    security = operation.get("security") or [{}]
    return {} not in security


def line_of_path(document: str, path: str) -> int:
    """Return the line of a path in the text of a document, or 1."""
    lines = enumerate(document.splitlines(), start=1)
    return next((number for number, line in lines if line.strip().startswith(f'"{path}":')), 1)


def _path(thing: str) -> str:
    return thing.rpartition(" ")[2]


def _parsed(file: Path, text: str | None) -> Any:
    try:
        return json.loads(text) if text else EMPTY
    except json.JSONDecodeError as error:
        raise IncomparableFile(f"{file} is not JSON; run: conduit check --update") from error
