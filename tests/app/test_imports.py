"""Packages that a process does not use are not imported: each takes time and memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import program

PLUGIN = """
from modules.kernel.container import ModuleContainer
from modules.kernel.module import Command, Module


async def stamp(container: ModuleContainer) -> str:
    return "stamped"


MODULE = Module(name="stamp", container=ModuleContainer, commands=[Command("all", "Stamp.", stamp)])
"""
# The command line, which writes the names of the imported modules to a file as it ends.
PROGRAM = """
import atexit, pathlib, sys
from conduit_app.cli import main

atexit.register(lambda: pathlib.Path("imported").write_text(" ".join(sys.modules)))
main()
"""
# A worker process begins with its configuration, which uvicorn has pickled.
WORKER = """
import sys
import conduit_app.server
from conduit_app.application import asgi_application

asgi_application()
print(*sys.modules)
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
HELP_UNUSED = {"attr", "markdown_it", "pygments", "rich"}
# Development tools, what other commands need, and what libraries import if it is installed.
NOT_SERVED = {
    "alembic",
    "griffe",
    "grimp",
    "importlinter",
    "mako",
    "markdown_it",
    *(f"modules.{name}.demo" for name in ("articles", "comments", "profiles", "users")),
    "psycopg",
    "pydantic.v1",
    "pygments",
    "rich",
    "ruff",
    "werkzeug",
    "yaml",
}
# 90 MB are promised; the rest is for other versions of Python and of the C library.
MAX_IDLE_BYTES = 95_000_000


@pytest.fixture(autouse=True)
def recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each process of the program record what it has imported."""
    monkeypatch.setattr(program, "PROGRAM", [sys.executable, "-c", PROGRAM])


def imported(folder: Path) -> set[str]:
    """Return the modules that the process in this folder had imported when it ended, and their packages."""
    return with_packages((folder / "imported").read_text(encoding="utf-8"))


def with_packages(names: str) -> set[str]:
    return {*names.split(), *(name.partition(".")[0] for name in names.split())}


def test_list_of_commands_imports_neither_the_application_nor_a_module(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.write_plugin(folder, "stamp", PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    printed = program.conduit(folder, "--help").stdout
    assert "  serve " in printed
    assert "  stamp " in printed
    # Of the 0.4 seconds of CPU time that the help took, rich and Markdown took half.
    assert imported(folder).isdisjoint(APPLICATION | HELP_UNUSED | {"modules.users.module", "stamp.module"})


def test_serving_process_imports_only_what_it_needs_and_is_small(folder: Path) -> None:
    assert program.conduit(folder, "migrate").returncode == 0
    with program.served(folder) as conduit:
        with conduit.client() as client:
            for path in ("/api/articles", "/health/ready", "/metrics"):
                assert client.get(path).status_code == 200
        memory = conduit.memory()
        conduit.send_sigint()
        conduit.wait()
    assert imported(folder) >= {"conduit_app.application", "sqlalchemy", "structlog"}
    assert imported(folder).isdisjoint(NOT_SERVED)
    assert memory < MAX_IDLE_BYTES


def test_worker_process_imports_only_what_it_needs(folder: Path) -> None:
    completed = subprocess.run(  # noqa: S603 - the program under test
        [sys.executable, "-c", WORKER],
        cwd=folder,
        env=program.environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert with_packages(completed.stdout) >= {"conduit_app.application", "sqlalchemy", "structlog"}
    assert with_packages(completed.stdout).isdisjoint(NOT_SERVED)
