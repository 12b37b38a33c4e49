"""The commands of a plugin."""

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conduit_app import discovery
from conduit_app.cli import main


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """Return the entry points of the installed plugins: one with a command."""
    plugins = [EntryPoint("stamp", "tests.app.command_plugin:MODULE", discovery.ENTRY_POINTS)]
    monkeypatch.setattr(
        discovery, "entry_points", lambda group: [plugin for plugin in plugins if plugin.group == group]
    )
    return plugins


@pytest.fixture
def ready(folder: Path, migrated: Path) -> None:
    """Create a migrated database at the default path."""
    (folder / "var").mkdir()
    shutil.copy(migrated, folder / "var" / "conduit.db")


def call(*arguments: str, **settings: str) -> Result:
    return CliRunner().invoke(
        main, arguments, env={f"CONDUIT_{name}": value for name, value in settings.items()}
    )


def test_command_is_in_the_help() -> None:
    assert "\n  stamp " in call("--help").stdout
    assert "│ all  Stamp everything. " in call("stamp", "--help").stdout


@pytest.mark.usefixtures("ready")
def test_command_runs_on_the_container_and_prints_its_message() -> None:
    result = call("stamp", "all")
    assert (result.exit_code, result.stdout) == (0, "stamped sqlite\n")


@pytest.mark.usefixtures("folder")
def test_command_is_rejected_on_a_database_that_is_not_migrated() -> None:
    result = call("stamp", "all", AUDIT_LOG="/dev/null")
    assert (result.exit_code, result.stderr) == (
        1,
        "conduit: the tables of kernel are not migrated; run: conduit migrate\n",
    )


@pytest.mark.usefixtures("ready")
def test_command_of_disabled_module_is_rejected() -> None:
    result = call("stamp", "all", DISABLED_MODULES="stamp", AUDIT_LOG="/dev/null")
    assert (result.exit_code, result.stderr) == (1, "conduit: stamp is disabled\n")


def test_help_works_with_a_broken_plugin(installed: list[EntryPoint]) -> None:
    installed.append(EntryPoint("broken", "tests.app.nowhere:MODULE", discovery.ENTRY_POINTS))
    result = call("--help")
    assert (result.exit_code, "\n  serve " in result.stdout) == (0, True)
    assert "plugin broken cannot be imported" in result.stderr
