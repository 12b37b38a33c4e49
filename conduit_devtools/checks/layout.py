"""The check that every file is in a layer, where the import contracts apply."""

from collections.abc import Iterator
from pathlib import Path

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout

UNCHECKED = "no import contract applies to this file"


def check_layout(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every file that no import contract applies to, and every missing manifest."""
    roots = [checkout.root / "modules"]
    roots += [package.folder for package in (*checkout.programs, *checkout.plugins)]
    for root in roots:
        for file in sorted(root.rglob("*.py")):
            unpackaged = [path for path in _folders(root, file) if not (path / "__init__.py").exists()]
            if unpackaged:
                folder = unpackaged[0].relative_to(checkout.root)
                yield _finding(checkout, file, f"{UNCHECKED}: {folder} has no __init__.py")
            # Alembic runs a revision with any file name; import-linter ignores names with a dot.
            elif "." in file.stem:
                yield _finding(checkout, file, f"{UNCHECKED}: its name contains a dot")
    for file in sorted((checkout.root / "modules").glob("*.py")):
        if file.name != "__init__.py":
            yield _finding(checkout, file, "a module must be a folder, not a file")
    for module in (checkout.kernel, *checkout.modules):
        if not (module.folder / "module.py").exists():
            yield _finding(checkout, module.folder / "__init__.py", f"{module.name} has no module.py")


def _folders(root: Path, file: Path) -> Iterator[Path]:
    """Yield the folders that contain the file, from the root down."""
    return (folder for folder in reversed(file.parents) if folder.is_relative_to(root))


def _finding(checkout: Checkout, file: Path, message: str) -> Finding:
    return Finding(RULES["layers"], file.relative_to(checkout.root), 1, message)
