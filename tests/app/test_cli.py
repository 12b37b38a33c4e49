"""The command line: output, standard error and exit codes."""

import json
import re
import shutil
import socket
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conduit_app.application import create_application
from conduit_app.cli import main
from conduit_app.composition import resolve_order
from conduit_app.discovery import discover
from conduit_app.settings import Settings
from modules.kernel.module import KERNEL
from tests.conftest import SECRET
from tests.program import conduit

NAMES = [module.name for module in resolve_order(discover())]
MIGRATED = [KERNEL.name, *NAMES]


def call(*arguments: str, **settings: str) -> Result:
    """Run a command in this process, which is faster than starting one."""
    return CliRunner().invoke(
        main, arguments, env={f"CONDUIT_{name}": value for name, value in settings.items()}
    )


def single_line(result: Result) -> str:
    """Return the only line of standard error but those of the audit trail, with exit code 1."""
    assert (result.exit_code, result.stdout) == (1, "")
    [line] = (line for line in result.stderr.splitlines() if "[conduit.audit]" not in line)
    return line


@pytest.fixture
def ready(migrated: Path, folder: Path) -> None:
    """Create a migrated database at the default path."""
    file = folder / "var" / "conduit.db"
    file.parent.mkdir()
    shutil.copy(migrated, file)


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder outside of the working directory that does not exist, nor its parent."""
    return tmp_path_factory.mktemp("elsewhere") / "data" / "blog"


class TestUsage:
    def test_help_is_shown_without_a_command(self) -> None:
        assert (call().exit_code, call().stdout) == (0, call("--help").stdout)
        assert "Usage: " in call().stdout

    def test_version_is_that_of_the_distribution(self) -> None:
        result = call("--version")
        assert (result.exit_code, result.stdout, result.stderr) == (
            0,
            f"conduit {version('realworld-conduit')}\n",
            "",
        )

    def test_unknown_command_is_a_usage_error(self) -> None:
        result = call("server")
        assert result.exit_code == 2
        assert "No such command 'server'" in result.stderr


class TestMigrate:
    def test_migrated_modules_are_listed_on_standard_error(self) -> None:
        result = call("migrate")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"migrated {', '.join(MIGRATED)}\n"

    def test_folder_of_the_database_is_created(self, folder: Path) -> None:
        call("migrate", DATABASE_URL="sqlite+aiosqlite:///data/of/conduit/blog.db")
        assert (folder / "data" / "of" / "conduit" / "blog.db").is_file()

    def test_folder_outside_of_the_working_directory_is_named(self, outside: Path) -> None:
        result = call("migrate", DATABASE_URL=f"sqlite+aiosqlite:///{outside}/blog.db")
        assert result.exit_code == 0
        assert result.stderr.splitlines()[0] == f"created the folder {outside}"
        assert (outside / "blog.db").is_file()

    @pytest.mark.parametrize("command", [("serve",), ("modules",), ("doctor",), ("events", "list")])
    def test_other_commands_create_no_folder_outside_of_the_working_directory(
        self, outside: Path, command: tuple[str, ...]
    ) -> None:
        assert single_line(call(*command, DATABASE_URL=f"sqlite+aiosqlite:///{outside}/blog.db")) == (
            f"conduit: CONDUIT_DATABASE_URL: there is no folder {outside}; conduit migrate creates it"
        )
        assert not outside.parent.exists()

    @pytest.mark.usefixtures("ready")
    def test_current_database_is_reported_as_up_to_date(self) -> None:
        result = call("migrate")
        assert (result.exit_code, result.stderr) == (0, "the database is up to date\n")


class TestOpenapi:
    def test_openapi_document_is_printed(self) -> None:
        result = call("openapi")
        assert (result.exit_code, result.stderr) == (0, "")
        in_memory = Settings(database_url="sqlite+aiosqlite://")
        assert json.loads(result.stdout) == create_application(in_memory).openapi()

    def test_no_file_is_created(self, folder: Path) -> None:
        call("openapi")
        assert list(folder.iterdir()) == []


class TestModules:
    @pytest.mark.parametrize("columns", ["80", "120"])
    def test_table_fits_the_terminal(self, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
        monkeypatch.setenv("COLUMNS", columns)
        heading, *lines = call("modules").stdout.splitlines()
        assert heading.split() == ["MODULE", "NEEDS", "OFFERS", "HANDLES", "ROUTES", "TABLES"]
        for line in lines:
            assert len(line) <= int(columns), line
        owners = [line.split()[0] for line in lines if line.startswith("@")]
        assert owners == [f"@conduit/{name}" for name in NAMES]
        listed = [line.split()[:2] for line in lines if re.match(r"\w+ \d", line)]
        assert [word for word, _ in listed if word != "contract"] == NAMES
        assert len([word for word, _ in listed if word == "contract"]) == len(NAMES)


class TestServe:
    """Errors only; tests/e2e starts the server."""

    def test_module_that_is_not_migrated_is_named(self) -> None:
        call("migrate", DISABLED_MODULES="comments", DATABASE_URL="sqlite+aiosqlite:///partly.db")
        assert single_line(call("serve", DATABASE_URL="sqlite+aiosqlite:///partly.db")) == (
            "conduit: the tables of comments are not migrated; run: conduit migrate"
        )

    @pytest.mark.usefixtures("ready")
    def test_used_port_is_reported(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            assert single_line(call("serve", "--port", str(port))) == (
                f"conduit: cannot listen on 127.0.0.1:{port} (Address already in use); "
                "choose another with --host and --port"
            )

    def test_reload_is_rejected_in_production(self) -> None:
        production = {"ENVIRONMENT": "production", "SECRET_KEY": SECRET}
        assert single_line(call("serve", "--reload", **production)) == (
            "conduit: --reload is for development, and CONDUIT_ENVIRONMENT is production"
        )

    def test_reload_is_rejected_with_several_workers(self) -> None:
        assert single_line(call("serve", "--reload", "--workers", "2")) == (
            "conduit: --reload restarts one process and cannot be combined with --workers"
        )

    @pytest.mark.usefixtures("ready")
    def test_foreign_address_is_reported(self) -> None:
        # 192.0.2.0/24 is reserved for documentation (RFC 5737).
        assert single_line(call("serve", "--host", "192.0.2.1")) == (
            "conduit: cannot listen on 192.0.2.1:8000 (Cannot assign requested address); "
            "choose another with --host and --port"
        )


@pytest.mark.parametrize("command", ["migrate", "serve"])
class TestErrorsAreOneLine:
    def test_folder_that_cannot_be_created(self, folder: Path, command: str) -> None:
        # A file in place of the folder: permission bits do not apply to root.
        (folder / "var").touch()
        assert single_line(call(command)) == (
            "conduit: CONDUIT_DATABASE_URL: cannot create the folder var: File exists"
        )

    def test_database_file_that_cannot_be_opened(self, folder: Path, command: str) -> None:
        (folder / "blog.db").mkdir()
        assert single_line(call(command, DATABASE_URL="sqlite+aiosqlite:///blog.db")) == (
            "conduit: the database cannot be used: unable to open database file (see CONDUIT_DATABASE_URL)"
        )

    def test_folder_outside_of_the_working_directory_that_cannot_be_created(
        self, outside: Path, command: str
    ) -> None:
        outside.parent.touch()
        line = single_line(call(command, DATABASE_URL=f"sqlite+aiosqlite:///{outside}/blog.db"))
        assert line.startswith("conduit: CONDUIT_DATABASE_URL: ")
        assert f"folder {outside}" in line

    def test_database_url_without_its_third_slash(self, folder: Path, command: str) -> None:
        assert single_line(call(command, DATABASE_URL="sqlite+aiosqlite://var/x.db")) == (
            "conduit: CONDUIT_DATABASE_URL: a slash is missing: sqlite+aiosqlite:///var/x.db"
        )
        assert list(folder.iterdir()) == []

    def test_file_that_is_not_a_database(self, folder: Path, command: str) -> None:
        (folder / "blog.db").write_text("Dear diary, today I met a dragon. " * 40, encoding="utf-8")
        assert single_line(call(command, DATABASE_URL="sqlite+aiosqlite:///blog.db")) == (
            "conduit: the database cannot be used: file is not a database (see CONDUIT_DATABASE_URL)"
        )

    def test_unreachable_database_server(self, command: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed_soon:
            port = closed_soon.getsockname()[1]
        line = single_line(
            call(command, DATABASE_URL=f"postgresql+psycopg://jake:sesame@127.0.0.1:{port}/blog")
        )
        assert line.startswith("conduit: the database cannot be used: connection failed: ")
        assert line.endswith(" (see CONDUIT_DATABASE_URL)")
        assert "sesame" not in line

    def test_invalid_option_of_the_database_url(self, command: str) -> None:
        url = "postgresql+psycopg://jake:sesame@127.0.0.1/blog?sslmod=require"
        assert single_line(call(command, DATABASE_URL=url)) == (
            'conduit: CONDUIT_DATABASE_URL: invalid connection option "sslmod"'
        )

    def test_database_of_a_newer_conduit(self, newer: Path, command: str) -> None:
        assert single_line(call(command, DATABASE_URL=f"sqlite+aiosqlite:///{newer}")) == (
            "conduit: the tables of articles were made by a newer Conduit: upgrade this one"
        )

    @pytest.mark.parametrize(
        ("settings", "line"),
        [
            ({"LOGLEVEL": "info"}, "unknown setting CONDUIT_LOGLEVEL, did you mean CONDUIT_LOG_LEVEL?"),
            (
                {"LOG_LEVEL": "loud"},
                "CONDUIT_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'",
            ),
            ({"DISABLED_MODULES": "shop"}, "cannot disable shop: there is no such module"),
        ],
        ids=lambda value: next(iter(value), None) if isinstance(value, dict) else "",
    )
    def test_invalid_setting(self, command: str, settings: dict[str, str], line: str) -> None:
        assert single_line(call(command, **settings)) == f"conduit: {line}"


class TestProcess:
    @pytest.mark.slow
    def test_error_of_a_separate_process_is_one_line(self, folder: Path) -> None:
        (folder / "var").touch()
        ended = conduit(folder, "migrate")
        assert (ended.returncode, ended.stdout, ended.stderr) == (
            1,
            "",
            "conduit: CONDUIT_DATABASE_URL: cannot create the folder var: File exists\n",
        )
