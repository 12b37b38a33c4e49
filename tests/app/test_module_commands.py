"""Commands that a plugin brings, as operators call them."""

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conduit_app import discovery
from conduit_app.cli import main


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """Return the plugins that are installed: one with a command."""
    found = [EntryPoint("stamp", "tests.app.command_plugin:MODULE", discovery.ENTRY_POINTS)]
    monkeypatch.setattr(discovery, "entry_points", lambda group: [one for one in found if one.group == group])
    return found


@pytest.fixture
def ready(folder: Path, migrated: Path) -> None:
    """Put a migrated database where the program looks for it."""
    (folder / "var").mkdir()
    shutil.copy(migrated, folder / "var" / "conduit.db")


def call(*arguments: str, **settings: str) -> Result:
    return CliRunner().invoke(
        main, arguments, env={f"CONDUIT_{name}": value for name, value in settings.items()}
    )


def test_it_is_in_the_help_with_what_it_is_for() -> None:
    assert "│ stamp " in call("--help").stdout
    assert "│ all  Stamp everything. " in call("stamp", "--help").stdout


@pytest.mark.usefixtures("ready")
def test_it_runs_on_the_modules_container_and_says_what_it_did() -> None:
    result = call("stamp", "all")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "stamped sqlite\n")


@pytest.mark.usefixtures("folder")
def test_it_does_not_run_on_a_database_that_is_not_migrated() -> None:
    result = call("stamp", "all")
    assert (result.exit_code, result.stderr) == (
        1,
        "conduit: the tables of kernel are not migrated; run: conduit migrate\n",
    )


@pytest.mark.usefixtures("ready")
def test_it_does_not_run_for_a_module_that_is_switched_off() -> None:
    result = call("stamp", "all", DISABLED_MODULES="stamp")
    assert (result.exit_code, result.stderr) == (1, "conduit: stamp is switched off\n")


def test_a_plugin_that_cannot_be_imported_does_not_take_the_help_away(installed: list[EntryPoint]) -> None:
    installed.append(EntryPoint("broken", "tests.app.nowhere:MODULE", discovery.ENTRY_POINTS))
    result = call("--help")
    assert (result.exit_code, "│ serve " in result.stdout) == (0, True)
    assert "plugin broken cannot be imported" in result.stderr
