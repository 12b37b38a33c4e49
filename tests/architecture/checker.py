"""A server process that checks copies of the checkout, each with the copy's own code.

Reads a JSON line per copy, `[folder, include_runtime]`, and writes its findings as a line. Each copy is
checked in a fork, which inherits the loaded libraries: loading them takes longer than a check. A plugin
without a checkout is checked with the code of this one.
"""

import gc
import importlib
import json
import multiprocessing
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from traceback import format_exc
from typing import Any

# Third-party imports of the copies. Not used in this process: a thread would not survive the fork.
LIBRARIES = (
    "alembic.command",
    "argon2",
    "dependency_injector.providers",
    "fastapi",
    "fastapi_offline",
    "importlinter.api",
    "pydantic_settings",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "structlog",
)


FORK = multiprocessing.get_context("fork")


def main() -> None:
    """Process lines until the input ends."""
    for library in LIBRARIES:
        importlib.import_module(library)
    for line in sys.stdin:
        receiver, sender = FORK.Pipe(duplex=False)
        process = FORK.Process(target=_send, args=(sender, *json.loads(line)))
        process.start()
        sender.close()
        sys.stdout.write(f"{json.dumps(receiver.recv())}\n")
        sys.stdout.flush()
        process.join()


def _send(sender: Connection, folder: str, include_runtime: bool) -> None:
    gc.disable()  # As in `conduit check`.
    sys.path.insert(0, folder)
    try:
        check = _check_all if include_runtime else _check_static
        sender.send(json.loads(check(Path(folder))))
    except Exception:
        sender.send({"raised": format_exc()})


# Imported late: the copy is first on the path by then.


def _check_static(folder: Path) -> str:
    from conduit_devtools.checks.outcome import Outcome  # noqa: PLC0415
    from conduit_devtools.checks.report import ReportFormat, render  # noqa: PLC0415
    from conduit_devtools.checks.static_checks import check_static, own_findings  # noqa: PLC0415

    checkout = _checkout(folder)
    return render(Outcome([*own_findings(checkout, check_static(checkout))]), ReportFormat.JSON)


def _check_all(folder: Path) -> str:
    from conduit_devtools.checks.outcome import Outcome  # noqa: PLC0415
    from conduit_devtools.checks.report import ReportFormat, render  # noqa: PLC0415
    from conduit_devtools.checks.runtime_checks import check_all  # noqa: PLC0415

    return render(Outcome(check_all(_checkout(folder))), ReportFormat.JSON)


def _checkout(folder: Path) -> Any:
    from conduit_devtools.checks.plugin import PluginCheckout  # noqa: PLC0415
    from conduit_devtools.checks.source import Checkout  # noqa: PLC0415

    return Checkout(folder) if (folder / "modules").exists() else PluginCheckout.find(folder)


if __name__ == "__main__":
    main()
