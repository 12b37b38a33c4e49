"""Help, with an example of every command, and shell completion."""

import re
from importlib.metadata import EntryPoint

import pytest
from typer.main import get_group
from typer.testing import CliRunner, Result

from conduit_app import discovery
from conduit_app.cli import main
from tests.app.command_tree import commands


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a plugin with a command."""
    plugin = EntryPoint("stamp", "tests.app.command_plugin:MODULE", discovery.ENTRY_POINTS)
    monkeypatch.setattr(discovery, "entry_points", lambda group: [plugin] if group == plugin.group else [])


def call(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"COLUMNS": "80", **variables}, prog_name="conduit")


def completions(typed: str) -> list[str]:
    """Return the completions of bash."""
    words = typed.split(" ")
    result = call(
        _CONDUIT_COMPLETE="complete_bash", COMP_WORDS=" ".join(words), COMP_CWORD=str(len(words) - 1)
    )
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_every_command_has_an_example() -> None:
    all_commands = set(commands())
    assert {("serve",), ("migrate",), ("events", "retry"), ("stamp", "all")} <= all_commands
    for command in all_commands:
        lines = [line.strip() for line in call(*command, "--help").stdout.splitlines()]
        example = [line for line in lines if line.startswith(f"Example: conduit {' '.join(command)}")]
        assert len(example) == 1, command


def test_help_lists_each_command_once() -> None:
    lines = call("--help").stdout.splitlines()
    headings = [line for line in lines if re.fullmatch(r"[A-Z].*:", line)]
    assert headings == ["Options:", "Run:", "Operate:", "Develop:", "Module commands:"]
    for command in {words[0] for words in commands()}:
        assert len([line for line in lines if line.startswith(f"  {command} ")]) == 1, command


@pytest.mark.parametrize("name", get_group(main).commands)
def test_summary_in_the_list_of_commands_is_that_of_the_command(name: str) -> None:
    listed = get_group(main).commands[name]
    command = listed.make_context(name, [], resilient_parsing=True).command
    assert listed.help == str(command.help).splitlines()[0]


@pytest.mark.parametrize("columns", ["80", "60"])
def test_help_fits_the_terminal(columns: str) -> None:
    for command in [(), *commands()]:
        for line in call(*command, "--help", COLUMNS=columns).stdout.splitlines():
            assert len(line) <= int(columns), line


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("conduit mig", ["migrate"]),
        ("conduit events re", ["retry"]),
        ("conduit sta", ["stamp"]),
        ("conduit stamp ", ["all"]),
        ("conduit serve --re", ["--reload"]),
        ("conduit events list --state d", ["dead"]),
        ("conduit modules --format ", ["text", "json", "mermaid"]),
    ],
)
def test_bash_completes_commands_options_and_values(typed: str, expected: list[str]) -> None:
    assert completions(typed) == expected


def test_zsh_completes_with_the_summary_of_a_command() -> None:
    result = call(_CONDUIT_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="conduit mig")
    assert "migrate" in result.stdout
    assert "Migrate the database to the schema of this" in result.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_calls_the_program(shell: str) -> None:
    script = call(_CONDUIT_COMPLETE=f"source_{shell}").stdout
    assert f"_CONDUIT_COMPLETE=complete_{shell}" in script
