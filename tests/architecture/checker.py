"""Checks one tree after another, each by its own code, as `conduit check` does with one.

Reads a line of JSON for each: `[folder, whether to run it too]`; writes its findings as a line. Each tree
has a process, a fork of this one, which has the libraries loaded: that takes longer than looking, and
there are many trees to look at.
"""

import gc
import importlib
import json
import multiprocessing
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from traceback import format_exc

# What a tree imports that is not its own. Nothing of it is used here: a fork has no threads but one.
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
    """Answer until there is no further line."""
    for library in LIBRARIES:
        importlib.import_module(library)
    for line in sys.stdin:
        receiving, sending = FORK.Pipe(duplex=False)
        process = FORK.Process(target=_send, args=(sending, *json.loads(line)))
        process.start()
        sending.close()
        sys.stdout.write(f"{json.dumps(receiving.recv())}\n")
        sys.stdout.flush()
        process.join()


def _send(sending: Connection, folder: str, running: bool) -> None:
    gc.disable()  # As `conduit check` does.
    sys.path.insert(0, folder)
    try:
        sending.send(json.loads((_run if running else _look)(Path(folder))))
    except Exception:
        sending.send({"raised": format_exc()})


# Imported late: what is imported is what lies first on the path then.


def _look(folder: Path) -> str:
    from conduit_devtools.checks.report import Format, render  # noqa: PLC0415
    from conduit_devtools.checks.source import Checkout  # noqa: PLC0415
    from conduit_devtools.checks.static_checks import check_static  # noqa: PLC0415

    return render(list(check_static(Checkout(folder))), Format.JSON)


def _run(folder: Path) -> str:
    from conduit_devtools.checks.report import Format, render  # noqa: PLC0415
    from conduit_devtools.checks.runtime_checks import check_all  # noqa: PLC0415
    from conduit_devtools.checks.source import Checkout  # noqa: PLC0415

    return render(check_all(Checkout(folder)), Format.JSON)


if __name__ == "__main__":
    main()
