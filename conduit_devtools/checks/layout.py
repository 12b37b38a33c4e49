"""That every file lies in a room, where the import contracts see it."""

from collections.abc import Iterator
from pathlib import Path

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout

UNSEEN = "no import contract sees this file"


def check_layout(checkout: Checkout) -> Iterator[Finding]:
    """Yield every Python file that no import contract sees, and every module without a manifest."""
    roots = [checkout.root / "modules"]
    roots += [part.folder for part in (*checkout.programs, *checkout.plugins)]
    for root in roots:
        for file in sorted(root.rglob("*.py")):
            folder = next((one for one in _folders(root, file) if not (one / "__init__.py").exists()), None)
            if folder is not None:
                where = folder.relative_to(checkout.root)
                yield _shape(checkout, file, f"{UNSEEN}: {where} has no __init__.py")
            # Alembic runs a revision whatever its file is called; import-linter passes over such names.
            elif "." in file.stem:
                yield _shape(checkout, file, f"{UNSEEN}: its name has a dot in it")
    for file in sorted((checkout.root / "modules").glob("*.py")):
        if file.name != "__init__.py":
            yield _shape(checkout, file, "a file is no module: a module is a folder")
    for module in (checkout.kernel, *checkout.modules):
        if not (module.folder / "module.py").exists():
            yield _shape(checkout, module.folder / "__init__.py", f"{module.name} has no module.py")


def _folders(root: Path, file: Path) -> Iterator[Path]:
    """Yield the folders from the root down to the one that the file is in."""
    return (folder for folder in reversed(file.parents) if folder.is_relative_to(root))


def _shape(checkout: Checkout, file: Path, message: str) -> Finding:
    return Finding(RULES["layers"], file.relative_to(checkout.root), 1, message)
