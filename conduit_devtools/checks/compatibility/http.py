"""The comparison of the committed OpenAPI documents."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from conduit_devtools.architecture.openapi_changes import METHODS, Json, changes
from conduit_devtools.architecture.openapi_parts import compose
from conduit_devtools.checks.compatibility.change import Change, IncomparableFile, Verdict

MODULES, OPENAPI_PART = Path("modules"), "openapi.json"
# Before it was split.
OPENAPI_DOC = Path("docs/openapi.json")

CLIENTS = "HTTP clients"
AUTHENTICATION_REMOVED = "authentication removed"


def is_openapi_document(path: Path) -> bool:
    """Return whether this file of a checkout is a part of its OpenAPI document."""
    return path == OPENAPI_DOC or (path.name == OPENAPI_PART and path.parts[0] == MODULES.name)


def compare_documents(old: Mapping[Path, str], new: Mapping[Path, str]) -> Iterator[Change]:
    """Yield the changes between the parts of the document in the base and in the working tree.

    They are compared together, because an operation may move from one to another. Raises `IncomparableFile`.
    """
    former, current = _parsed(old), _parsed(new)
    before, after = compose(former.values()), compose(current.values())
    for change in changes(before, after):
        thing = " ".join(change.where.split()[:2])
        what = f"{change.where.removeprefix(thing).strip()} {change.what}".strip()
        file = _file(change.path, current, former)
        line = line_of_path(new.get(file, ""), change.path)
        verdict = Verdict.BREAKING if change.breaking else Verdict.ADDITIVE
        yield Change(thing, what, verdict, file, line, (CLIENTS,))
    for path, method, operation in operations(before):
        remaining = after["paths"].get(path, {}).get(method)
        if remaining is not None and is_authenticated(operation) and not is_authenticated(remaining):
            file, thing = _file(path, current, former), f"{method.upper()} {path}"
            line = line_of_path(new.get(file, ""), path)
            yield Change(thing, AUTHENTICATION_REMOVED, Verdict.BREAKING, file, line, (CLIENTS,))


def _file(path: str, *documents: Mapping[Path, Json]) -> Path:
    """Return the first file with this path."""
    return next(file for parts in documents for file, part in parts.items() if path in part["paths"])


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


def _parsed(texts: Mapping[Path, str]) -> Mapping[Path, Json]:
    parts = {}
    for file, text in texts.items():
        try:
            parts[file] = json.loads(text)
        except json.JSONDecodeError as error:
            raise IncomparableFile(f"{file} is not JSON; run: conduit check --update") from error
    return parts
