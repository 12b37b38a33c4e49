"""The command `conduit demo`."""

import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conduit_app.cli import main
from conduit_app.commands.demo import RETRY_HINT
from tests.conftest import SECRET

Conduit = Callable[..., Result]


@pytest.fixture
def conduit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Conduit]:
    """Return the command line, run in a temporary folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONDUIT_DATABASE_URL", "sqlite+aiosqlite:///conduit.db")
    monkeypatch.setenv("CONDUIT_SECRET_KEY", SECRET)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda *arguments: CliRunner().invoke(main, arguments)
    # The handlers log to a standard error stream that is closed after the run.
    root.handlers[:] = handlers
    root.setLevel(level)


def test_output_names_each_step_and_the_login(conduit: Conduit, migrated: Path, tmp_path: Path) -> None:
    shutil.copy(migrated, tmp_path / "conduit.db")
    result = conduit("demo", "--articles", "3")
    assert result.exit_code == 0, result.stderr
    assert [line.split()[-1] for line in result.stderr.splitlines()[:-1]] == [
        "users",
        "follows",
        "articles",
        "comments",
        "indexes",
    ]
    assert "john@example.com with the password password123" in result.stderr


def test_newest_article_is_of_the_last_days_and_none_is_of_the_future(
    conduit: Conduit, migrated: Path, tmp_path: Path
) -> None:
    file = shutil.copy(migrated, tmp_path / "conduit.db")
    started = datetime.now(UTC)
    assert conduit("demo", "--articles", "100").exit_code == 0
    ended = datetime.now(UTC)
    with closing(sqlite3.connect(file)) as database:
        [(newest,)] = database.execute("SELECT max(created_at) FROM articles_article")
    # A hundred articles in a year: one in 3.65 days.
    assert started - timedelta(days=4) < datetime.fromisoformat(newest).replace(tzinfo=UTC) < ended


def test_terminal_shows_progress_bars(
    conduit: Conduit, migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(migrated, tmp_path / "conduit.db")
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = conduit("demo", "--articles", "3")
    assert result.exit_code == 0, result.stderr
    assert "━" in result.stderr
    assert "50/50" in result.stderr


def test_database_with_data_is_rejected(conduit: Conduit, filled: Path, tmp_path: Path) -> None:
    shutil.copy(filled, tmp_path / "conduit.db")
    result = conduit("demo")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "conduit: there is data in users_account already: a demonstration begins with an empty database"
    ]


def test_database_without_tables_is_rejected(conduit: Conduit) -> None:
    result = conduit("demo")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "conduit: the tables of kernel are not migrated; run: conduit migrate"
    ]


def test_zero_articles_are_rejected(conduit: Conduit) -> None:
    result = conduit("demo", "--articles", "0")
    assert result.exit_code == 2
    assert "--articles" in result.stderr


def test_interruption_prints_the_retry_hint(
    conduit: Conduit, migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    shutil.copy(migrated, tmp_path / "conduit.db")
    monkeypatch.setattr("conduit_app.commands.demo.fill_demo", interrupted)
    result = conduit("demo")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [f"conduit: stopped half-way: {RETRY_HINT}"]
