"""Puts a planned module into a checkout, whole or not at all."""

import importlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from conduit_app.discovery import discover
from conduit_devtools.checks.runtime_checks import DOCUMENT, Snapshots, snapshots
from conduit_devtools.checks.source import Checkout
from conduit_devtools.scaffold.naming import ModuleRefused
from conduit_devtools.scaffold.plan import Plan

OWNERS = Path("CODEOWNERS")
RUNNING = Path(__file__).resolve().parents[2]
"""The checkout whose modules this program sees."""


def require_running(checkout: Checkout) -> None:
    """Raise `ModuleRefused` unless this program sees the modules of the checkout."""
    if checkout.root.resolve() != RUNNING:
        raise ModuleRefused(
            f"this program sees the modules of {RUNNING}, not of this folder; call .venv/bin/conduit here"
        )


def write_module(checkout: Checkout, plan: Plan, remake: Callable[[Checkout], Snapshots] = snapshots) -> None:
    """Write the module: its folders, then docs/ as `remake` wants it, then its line in CODEOWNERS.

    Raises `ModuleRefused`, before anything is written, when something of that name is there. Whatever
    is raised later, nothing stays behind.
    """
    _check_conflicts(checkout, plan)
    root = checkout.root
    with ExitStack() as undo:
        with _staged(root, plan) as staging:
            for folder in plan.folders:
                (staging / folder).rename(root / folder)
                undo.callback(shutil.rmtree, root / folder)
        if plan.in_document:
            importlib.invalidate_caches()
            # A new Checkout: the old one has seen what there was.
            for path, text in remake(Checkout(root)).texts.items():
                _overwrite(root / path, text, undo)
        _overwrite(root / OWNERS, _with_owners(root, plan), undo)
        undo.pop_all()


def _check_conflicts(checkout: Checkout, plan: Plan) -> None:
    # Those that lie here, and those that are installed.
    plan.name.refuse_if_taken(
        {module.name for module in checkout.modules} | {module.name for module in discover()}
    )
    for path in plan.folders:
        for taken in (path, path.with_suffix(".py")):
            if (checkout.root / taken).exists():
                raise ModuleRefused(f"there is {taken} already")
    paths = json.loads((checkout.root / DOCUMENT).read_text(encoding="utf-8"))["paths"]
    for path in paths:
        if f"{path}/".startswith(f"/api/{plan.name.text}/"):
            raise ModuleRefused(
                f"the routes of {plan.name.text} would be /api/{plan.name.text}: there is {path} already"
            )


@contextmanager
def _staged(root: Path, plan: Plan) -> Iterator[Path]:
    """Write the files beside where they go, on the same disk, so that moving them is one step."""
    with tempfile.TemporaryDirectory(dir=root, prefix=".new-module-") as folder:
        staging = Path(folder)
        for path, text in plan.texts.items():
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            (staging / path).write_text(text, encoding="utf-8")
        _tidy(staging, plan)
        yield staging


def _tidy(staging: Path, plan: Plan) -> None:
    """Format the files: where lines break, and the order of imports, depend on the name."""
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
    """Return CODEOWNERS with a line for the module, after the last one of its kind."""
    lines = (root / OWNERS).read_text(encoding="utf-8").splitlines()
    owned = plan.folders[0]
    kinds = [f"/{owned.parent}/", "/modules/", ""]
    places = ([place for place, line in enumerate(lines) if line.startswith(kind)] for kind in kinds)
    after = next((place[-1] for place in places if place), -1)
    line = f"{f'/{owned}/':<19} @conduit/{plan.name.text}"
    return "\n".join([*lines[: after + 1], line, *lines[after + 1 :]]) + "\n"
