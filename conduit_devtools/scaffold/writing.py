"""Writes a planned module into a checkout, completely or not at all."""

import importlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from conduit_app.discovery import discover
from conduit_devtools.checks.runtime_checks import api_paths, snapshots
from conduit_devtools.checks.snapshots import MODULES, OPENAPI_PART, Snapshots
from conduit_devtools.checks.source import Checkout
from conduit_devtools.scaffold.naming import InvalidModule
from conduit_devtools.scaffold.plan import Plan

OWNERS = Path("CODEOWNERS")
THIS_CHECKOUT = Path(__file__).resolve().parents[2]
"""The checkout that this program is imported from."""


def require_this_checkout(checkout: Checkout) -> None:
    """Raise `InvalidModule` unless this program is imported from the checkout."""
    if checkout.root.resolve() != THIS_CHECKOUT:
        raise InvalidModule(
            f"this program belongs to the checkout {THIS_CHECKOUT}, not to this folder; run .venv/bin/conduit"
        )


def write_module(
    checkout: Checkout, plan: Plan, generate: Callable[[Checkout], Snapshots] = snapshots
) -> None:
    """Write the module: its folders, then the snapshots of `generate`, then its line in CODEOWNERS.

    Raises `InvalidModule` on a conflict, before anything is written. Undoes everything on a later error.
    """
    _check_conflicts(checkout, plan)
    root = checkout.root
    with ExitStack() as undo:
        with _staged(root, plan) as staging:
            for folder in plan.folders:
                (staging / folder).rename(root / folder)
                undo.callback(shutil.rmtree, root / folder)
        if plan.documented:
            importlib.invalidate_caches()
            # A new Checkout: the old one has cached its files.
            for path, text in generate(Checkout(root)).texts.items():
                _overwrite(root / path, text, undo)
        _overwrite(root / OWNERS, _with_owners(root, plan), undo)
        undo.pop_all()


def write_plugin(plan: Plan) -> None:
    """Write a plugin outside of a checkout: its folder, whose path is absolute, appears complete.

    Raises `InvalidModule` on a conflict with the installed modules, before anything is written.
    """
    [folder] = plan.folders
    modules = discover()
    plan.name.require_available(module.name for module in modules)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidModule(f"{folder} already exists")
    _check_routes(plan, api_paths(modules))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _staged(folder.parent, plan) as staging:
        # An empty folder is replaced.
        (staging / folder.name).rename(folder)


def _check_routes(plan: Plan, paths: Iterable[str]) -> None:
    for path in paths:
        if f"{path}/".startswith(f"/api/{plan.name.text}/"):
            raise InvalidModule(f"the route {path} already exists")


def _check_conflicts(checkout: Checkout, plan: Plan) -> None:
    in_checkout = {module.name for module in checkout.modules}
    plan.name.require_available(in_checkout | {module.name for module in discover()})
    for path in plan.folders:
        for taken in (path, path.with_suffix(".py")):
            if (checkout.root / taken).exists():
                raise InvalidModule(f"{taken} already exists")
    parts = (
        json.loads(file.read_text("utf-8")) for file in checkout.root.glob(f"{MODULES}/*/{OPENAPI_PART}")
    )
    _check_routes(plan, sorted(path for part in parts for path in part["paths"]))


@contextmanager
def _staged(root: Path, plan: Plan) -> Iterator[Path]:
    """Write the files to a folder on the same disk, so that each folder can be moved atomically."""
    with tempfile.TemporaryDirectory(dir=root, prefix=".new-module-") as folder:
        staging = Path(folder)
        for path, text in plan.texts.items():
            staged = staging / (path.relative_to(root) if path.is_absolute() else path)
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_text(text, encoding="utf-8")
        _format(staging, plan)
        yield staging


def _format(staging: Path, plan: Plan) -> None:
    """Format the files: line breaks and the order of imports depend on the name."""
    if find_spec("ruff") is None:
        raise ModuleNotFoundError(name="ruff")
    first_party = f"lint.isort.known-first-party = ['{plan.package.partition('.')[0]}']"
    for arguments in (["check", "--select", "I", "--fix", "--config", first_party], ["format"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--quiet", str(staging)]
        subprocess.run(command, check=True)  # noqa: S603 - our own files


def _overwrite(file: Path, text: str, undo: ExitStack) -> None:
    before = file.read_bytes() if file.exists() else None
    undo.callback(file.unlink) if before is None else undo.callback(file.write_bytes, before)
    file.write_text(text, encoding="utf-8")


def _with_owners(root: Path, plan: Plan) -> str:
    """Return CODEOWNERS with a line for the module, in the order of the paths."""
    lines = (root / OWNERS).read_text(encoding="utf-8").splitlines()
    folder = f"/{plan.folders[0]}/"
    line = f"{folder:<19} @conduit/{plan.name.text}"
    later = (number for number, other in enumerate(lines) if other.startswith("/") and other > line)
    place = next(later, len(lines))
    return "\n".join([*lines[:place], line, *lines[place:]]) + "\n"
