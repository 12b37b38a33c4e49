"""That every file lies in a room, where the import contracts see it."""

from collections.abc import Iterator
from pathlib import Path

from conduit_app.checks.finding import RULES, Finding
from conduit_app.checks.source import Checkout, ModuleSource


def check_rooms(checkout: Checkout) -> Iterator[Finding]:
    """Yield every Python file that no import contract sees, and every module without a manifest."""
    for path in sorted((checkout.root / "modules").glob("*.py")):
        if path.name != "__init__.py":
            yield _shape(checkout, path, "is no module: a module is a folder")
    folders = {path.parent.parent for path in (checkout.root / "modules").glob("*/**/*.py")}
    for folder in sorted(folders | {file.path.parent for part in checkout.parts for file in part.files}):
        first = next(iter(sorted(folder.glob("*.py"))), None)
        if first is not None and not (folder / "__init__.py").exists():
            yield _shape(checkout, first, "is seen by no import contract: its folder has no __init__.py")
    for part in checkout.parts:
        yield from _names(checkout, part)
    for module in (checkout.kernel, *checkout.modules):
        if not (module.folder / "module.py").exists():
            yield _shape(checkout, module.folder / "__init__.py", f"{module.name} has no module.py")


def _names(checkout: Checkout, part: ModuleSource) -> Iterator[Finding]:
    for file in part.files:
        # Alembic runs a revision whatever its file is called; import-linter passes over such names.
        if "." in file.path.stem:
            yield _shape(checkout, file.path, "is seen by no import contract: its name has a dot in it")


def _shape(checkout: Checkout, file: Path, message: str) -> Finding:
    relative = file.relative_to(checkout.root)
    return Finding(RULES["shape"], relative, 1, f"{relative} {message}")
