"""Start-up imports no package that it does not use: each takes time and memory."""

import subprocess
import sys
from pathlib import Path

from tests import program

ROOT = Path(__file__).parents[2]
PLUGIN = """
from modules.kernel.container import ModuleContainer
from modules.kernel.module import Command, Module


async def stamp(container: ModuleContainer) -> str:
    return "stamped"


MODULE = Module(name="stamp", container=ModuleContainer, commands=[Command("all", "Stamp.", stamp)])
"""
# Runs the command line, and then prints the names of the imported modules.
PRINT_IMPORTS = """
import atexit, sys
from conduit_app.cli import main

atexit.register(lambda: print("IMPORTED", *sys.modules))
main()
"""
# What the application needs, and the list of commands does not.
APPLICATION = {
    "alembic",
    "dependency_injector",
    "fastapi",
    "limits",
    "opentelemetry",
    "prometheus_client",
    "psycopg",
    "pydantic",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
}


def imported_by(folder: Path, *arguments: str) -> tuple[str, set[str]]:
    """Return what the command prints, and the names of the modules that its process has imported."""
    completed = subprocess.run(  # noqa: S603 - the program under test
        [sys.executable, "-c", PRINT_IMPORTS, *arguments],
        cwd=folder,
        env=program.environment({}) | {"PYTHONPATH": f"{folder}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    printed, _, names = completed.stdout.rpartition("IMPORTED ")
    return printed, set(names.split())


def packages(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_list_of_commands_imports_neither_the_application_nor_a_module(folder: Path) -> None:
    program.write_plugin(folder, "stamp", PLUGIN)
    printed, names = imported_by(folder, "--help")
    assert "│ serve " in printed
    assert "│ stamp " in printed
    assert packages(names).isdisjoint(APPLICATION)
    assert not {"modules.users.module", "stamp.module"} & names
