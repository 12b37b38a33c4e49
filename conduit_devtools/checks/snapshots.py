"""The committed generated files: parts of the OpenAPI document, routes in READMEs, the graph.

Each is of one module, except the graph, so that the changes of two teams are in different files.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from conduit_app.composition import Composition
from conduit_app.module_catalog import describe_modules
from conduit_devtools.architecture.markdown import architecture_markdown, routes_markdown, with_generated
from conduit_devtools.architecture.openapi_changes import changes
from conduit_devtools.architecture.openapi_parts import Owners, compose, split
from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import KERNEL, Checkout

MODULES = Path("modules")
OPENAPI_PART, README = "openapi.json", "README.md"
ARCHITECTURE_DOC = Path("docs/architecture.md")
# Before the document was split.
WHOLE_DOCUMENT = Path("docs/openapi.json")


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The current texts of the committed generated files."""

    texts: Mapping[Path, str]

    def write(self, root: Path) -> list[Path]:
        """Write the files that differ from their texts, and return them."""
        stale = [path for path, text in self.texts.items() if _read(root / path) != text]
        for path in stale:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            # Replaced, not overwritten: an interrupted update leaves no half a file.
            draft = (root / path).with_name(f"{path.name}.draft")
            draft.write_text(self.texts[path], encoding="utf-8")
            draft.replace(root / path)
        return stale


def generate_snapshots(checkout: Checkout, composition: Composition, application: FastAPI) -> Snapshots:
    """Return the current snapshots of an application that consists of the modules of the tree."""
    parts = openapi_parts(composition, application)
    texts = {MODULES / name / OPENAPI_PART: json_text(part) for name, part in parts.items()}
    for module in composition.modules:
        readme = MODULES / module.name / README
        text = _read(checkout.root / readme) or f"# {module.name.capitalize()}\n\n"
        routes = routes_markdown(parts.get(module.name, {"paths": {}}))
        texts[readme] = with_generated(text, routes, "\n## Routes")
    graph = architecture_markdown(describe_modules(composition, application))
    text = _read(checkout.root / ARCHITECTURE_DOC) or ""
    texts[ARCHITECTURE_DOC] = with_generated(text, graph, "# Architecture")
    return Snapshots(texts)


def openapi_parts(composition: Composition, application: FastAPI) -> Mapping[str, dict[str, Any]]:
    """Return the parts of the application's OpenAPI document, by module."""
    owners: Owners = {
        (route.path_format, method): composition.owner(route.endpoint) or KERNEL
        for route in iter_route_contexts(application.routes)
        if route.endpoint is not None and route.path_format is not None
        for method in route.methods or ()
    }
    return split(application.openapi(), owners, KERNEL)


def committed_document(base: Base) -> Mapping[str, Any]:
    """Return the OpenAPI document that is committed in the base of a change.

    Raises `json.JSONDecodeError` if a part is not JSON.
    """
    parts = [path for path in base.paths(MODULES) if path.name == OPENAPI_PART]
    texts = base.read(parts or [WHOLE_DOCUMENT])
    return compose(map(json.loads, texts.values()))


def check_snapshots(
    checkout: Checkout, snapshots: Snapshots, document: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield a finding for each difference between the committed files and what the modules are."""
    current = {path: text for path, text in snapshots.texts.items() if path.name == OPENAPI_PART}
    yield from _check_openapi(checkout.root, current, document)
    for path, text in snapshots.texts.items():
        committed = _read(checkout.root / path) or ""
        if path.suffix == ".md" and committed != text:
            line, message = _first_difference(committed, text), f"{path} does not match the modules"
            yield Finding(RULES["architecture-docs"], path, line, message)


def _check_openapi(root: Path, current: Mapping[Path, str], document: Mapping[str, Any]) -> Iterator[Finding]:
    files = {*current, *(path.relative_to(root) for path in root.glob(f"modules/*/{OPENAPI_PART}"))}
    committed = {path: _read(root / path) or "" for path in sorted(files)}
    stale = [path for path in sorted(files) if committed[path] != current.get(path)]
    parts = {path: _parsed(text) for path, text in committed.items()}
    for path in stale:
        if parts[path] is None:
            problem = "is not JSON" if committed[path] else "does not exist"
            yield Finding(RULES["openapi"], path, 1, f"{path} {problem}")
    if not stale or None in parts.values():
        return
    reported = set()
    for change in changes(compose(part for part in parts.values() if part), document):
        kind = "breaking" if change.breaking else "addition"
        texts = ((path, committed[path], current.get(path, "")) for path in stale)
        file = next((path for path, *both in texts if _has_path(change.path, *both)), stale[0])
        line = _line_of_path(committed[file], change.path)
        reported.add(file)
        yield Finding(RULES["openapi"], file, line, f"{kind}: {change.where}: {change.what}")
    for path in stale:
        if path not in reported:
            yield Finding(RULES["openapi"], path, 1, "wording: only descriptions and examples differ")


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        part: Mapping[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        return None
    return part


def _has_path(path: str, *parts: str) -> bool:
    return any(path in json.loads(part)["paths"] for part in parts if part)


def _line_of_path(document: str, path: str) -> int:
    lines = enumerate(document.splitlines(), start=1)
    return next((number for number, line in lines if line.strip().startswith(f'"{path}":')), 1)


def _first_difference(old: str, new: str) -> int:
    pairs = zip_longest(old.splitlines(), new.splitlines())
    return next((number for number, (before, after) in enumerate(pairs, start=1) if before != after), 1)


def json_text(value: object) -> str:
    """Return the value as the text of a snapshot."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None
