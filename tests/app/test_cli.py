"""The program as it is called: what it says, where it says it, and its exit code."""

import json
import shutil
import socket
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
    """Call the program in this process: quicker than starting one, and the same but for the start."""
    return CliRunner().invoke(
        main, arguments, env={f"CONDUIT_{name}": value for name, value in settings.items()}
    )


def single_line(result: Result) -> str:
    """Return the one line that the program said before it ended with exit code 1."""
    assert (result.exit_code, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    return line


@pytest.fixture
def ready(migrated: Path, folder: Path) -> None:
    """Put a migrated database where the program looks for it."""
    file = folder / "var" / "conduit.db"
    file.parent.mkdir()
    shutil.copy(migrated, file)


class TestHelp:
    """What it says is in test_help."""

    def test_is_shown_when_no_command_is_given(self) -> None:
        assert "Usage: " in call().output

    def test_a_command_that_is_not_there_is_a_mistake_of_usage(self) -> None:
        result = call("server")
        assert result.exit_code == 2
        assert "No such command 'server'" in result.stderr


class TestMigrate:
    def test_says_what_it_did_on_standard_error(self) -> None:
        result = call("migrate")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"migrated {', '.join(MIGRATED)}\n"

    def test_makes_the_folder_of_the_database(self, folder: Path) -> None:
        call("migrate", DATABASE_URL="sqlite+aiosqlite:///data/of/conduit/blog.db")
        assert (folder / "data" / "of" / "conduit" / "blog.db").is_file()

    @pytest.mark.usefixtures("ready")
    def test_says_the_second_time_that_there_is_nothing_to_do(self) -> None:
        result = call("migrate")
        assert (result.exit_code, result.stderr) == (0, "the database is up to date\n")


class TestOpenapi:
    def test_prints_the_document_of_the_api(self) -> None:
        result = call("openapi")
        assert (result.exit_code, result.stderr) == (0, "")
        in_memory = Settings(database_url="sqlite+aiosqlite://")
        assert json.loads(result.stdout) == create_application(in_memory).openapi()

    def test_leaves_no_file_behind(self, folder: Path) -> None:
        call("openapi")
        assert list(folder.iterdir()) == []


class TestServe:
    """What keeps it from serving; that it serves is shown by tests/e2e."""

    def test_refuses_a_database_that_is_not_migrated(self) -> None:
        assert single_line(call("serve")) == (
            f"conduit: the tables of {MIGRATED[0]} are not migrated; run: conduit migrate"
        )

    def test_names_the_module_that_is_not(self) -> None:
        call("migrate", DISABLED_MODULES="comments", DATABASE_URL="sqlite+aiosqlite:///partly.db")
        assert single_line(call("serve", DATABASE_URL="sqlite+aiosqlite:///partly.db")) == (
            "conduit: the tables of comments are not migrated; run: conduit migrate"
        )

    @pytest.mark.usefixtures("ready")
    def test_says_that_the_port_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert single_line(call("serve", "--port", str(port))) == (
                f"conduit: cannot listen on 127.0.0.1:{port} (Address already in use); "
                "choose another with --host and --port"
            )

    def test_starts_anew_in_development_only(self) -> None:
        production = {"ENVIRONMENT": "production", "SECRET_KEY": SECRET}
        assert single_line(call("serve", "--reload", **production)) == (
            "conduit: --reload is for development, and CONDUIT_ENVIRONMENT is production"
        )

    def test_starts_one_process_anew_and_not_several(self) -> None:
        assert single_line(call("serve", "--reload", "--workers", "2")) == (
            "conduit: --reload starts one process anew, and cannot go with --workers"
        )

    @pytest.mark.usefixtures("ready")
    def test_says_that_the_address_is_not_one_of_this_machine(self) -> None:
        # 192.0.2.0/24 is nobody's: RFC 5737.
        assert single_line(call("serve", "--host", "192.0.2.1")) == (
            "conduit: cannot listen on 192.0.2.1:8000 (Cannot assign requested address); "
            "choose another with --host and --port"
        )


@pytest.mark.parametrize("command", ["migrate", "serve"])
class TestWhatIsWrongIsToldInOneLine:
    def test_a_folder_that_cannot_be_made(self, folder: Path, command: str) -> None:
        # Permission bits do not bind root; a file where a folder should be binds everybody.
        (folder / "var").touch()
        assert single_line(call(command)) == (
            "conduit: CONDUIT_DATABASE_URL: cannot make the folder var: File exists"
        )

    def test_a_folder_that_cannot_be_made_for_the_secret(self, folder: Path, command: str) -> None:
        (folder / "var").touch()
        assert single_line(call(command, DATABASE_URL="sqlite+aiosqlite:///blog.db")) == (
            "conduit: cannot keep a secret in var/secret_key (File exists): "
            "make that possible, or set CONDUIT_SECRET_KEY"
        )

    def test_a_database_file_that_cannot_be_opened(self, folder: Path, command: str) -> None:
        (folder / "blog.db").mkdir()
        assert single_line(call(command, DATABASE_URL="sqlite+aiosqlite:///blog.db")) == (
            "conduit: the database cannot be used: unable to open database file (see CONDUIT_DATABASE_URL)"
        )

    def test_a_database_file_that_is_none(self, folder: Path, command: str) -> None:
        (folder / "blog.db").write_text("Dear diary, today I met a dragon. " * 40, encoding="utf-8")
        assert single_line(call(command, DATABASE_URL="sqlite+aiosqlite:///blog.db")) == (
            "conduit: the database cannot be used: file is not a database (see CONDUIT_DATABASE_URL)"
        )

    def test_a_server_that_does_not_answer(self, command: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        line = single_line(
            call(command, DATABASE_URL=f"postgresql+psycopg://jake:sesame@127.0.0.1:{port}/blog")
        )
        assert line.startswith("conduit: the database cannot be used: connection failed: ")
        assert line.endswith(" (see CONDUIT_DATABASE_URL)")
        assert "sesame" not in line

    def test_an_option_of_the_database_url_that_is_none(self, command: str) -> None:
        url = "postgresql+psycopg://jake:sesame@127.0.0.1/blog?sslmod=require"
        assert single_line(call(command, DATABASE_URL=url)) == (
            'conduit: the database cannot be used: invalid connection option "sslmod" '
            "(see CONDUIT_DATABASE_URL)"
        )

    def test_a_database_url_that_is_none(self, command: str) -> None:
        assert single_line(call(command, DATABASE_URL="blog.db")) == (
            "conduit: CONDUIT_DATABASE_URL: this is no database URL; "
            "one is sqlite+aiosqlite:///var/conduit.db"
        )

    def test_a_database_that_a_newer_conduit_has_made(self, newer: Path, command: str) -> None:
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
            ({"ENVIRONMENT": "production"}, "CONDUIT_SECRET_KEY is required (at least 32 bytes)"),
            ({"DISABLED_MODULES": "users"}, "users is switched off, but articles needs its TokenVerifier"),
            ({"DISABLED_MODULES": "shop"}, "cannot switch off shop: there is no such module"),
        ],
        ids=lambda given: next(iter(given), None) if isinstance(given, dict) else "",
    )
    def test_a_setting(self, command: str, settings: dict[str, str], line: str) -> None:
        assert single_line(call(command, **settings)) == f"conduit: {line}"


class TestProgram:
    @pytest.mark.slow
    def test_a_failure_is_one_line_from_a_process_of_its_own_too(self, folder: Path) -> None:
        (folder / "var").touch()
        ended = conduit(folder, "migrate")
        assert (ended.returncode, ended.stdout, ended.stderr) == (
            1,
            "",
            "conduit: CONDUIT_DATABASE_URL: cannot make the folder var: File exists\n",
        )
