"""The static checks of migrations: conflicting revisions, and released ones that were edited."""

import ast
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from conduit_app.migrations.errors import InvalidRevisionError
from conduit_app.migrations.revision_files import conflict, revision_files
from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
MIGRATIONS = Path("infrastructure/migrations")


def check_conflicting_revisions(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for each module with two heads, or with two files of one revision."""
    for module in (checkout.kernel, *checkout.modules):
        try:
            found = conflict(revision_files(module.folder / MIGRATIONS))
        except InvalidRevisionError:
            continue  # the migration of an empty database reports it
        if found:
            file, problem = found
            message = f"conflicting migrations of {module.name}: {problem}"
            yield Finding(RULES["conflicting-revisions"], file.path.relative_to(checkout.root), 1, message)


def check_released_revisions(checkout: Checkout, base: Base) -> Iterator[Finding]:
    """Yield a finding for each revision of the base that the checkout changes, or has no longer.

    Comments, docstrings, the layout and the name of the file may change, and the origin of imported names. A
    module that is no longer in the checkout is removed with its revisions.
    """
    folders = _folders(checkout)
    for path, text in released_files(checkout, base).items():
        file = checkout.root / path
        if file.exists() and file.read_bytes() == text.encode():
            continue
        present = {_content(other.read_bytes()) for other in file.parent.glob("*.py")}
        if _content(text) not in present:
            change, line = "removed", 1
            if file.exists():
                change, line = "edited", _first_difference(text, file.read_text(encoding="utf-8"))
            message = f"released revision {path.name} of {folders[path.parent]} was {change}"
            yield Finding(RULES["released-revision"], path, line, message)


def released_files(checkout: Checkout, base: Base) -> Mapping[Path, str]:
    """Return the sources of the base's revisions, by path."""
    paths = base.paths(*_folders(checkout))
    return base.read([path for path in paths if path.suffix == ".py" and path.stem != "__init__"])


def _folders(checkout: Checkout) -> Mapping[Path, str]:
    return {
        (module.folder / MIGRATIONS).relative_to(checkout.root): module.name
        for module in (checkout.kernel, *checkout.modules)
    }


def _content(source: str | bytes) -> str:
    """Return what a revision does, as text that can be compared."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            node.module = None
        elif isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body.pop(0)
    return ast.dump(tree)


def _first_difference(old: str, new: str) -> int:
    pairs = zip_longest(old.splitlines(), new.splitlines())
    return next((number for number, (before, after) in enumerate(pairs, start=1) if before != after), 1)
