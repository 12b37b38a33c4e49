"""Each test of the application runs in its own folder, without settings of the environment."""

import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, the working directory of the test; no `CONDUIT_` variable is set."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("CONDUIT_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Restore the logging configuration of the process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def newer(migrated: Path, folder: Path) -> Path:
    """Return a database file with a revision of articles that no installed release works on."""
    file = Path(shutil.copy(migrated, folder / "newer.db"))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE articles_alembic_version SET version_num = '9999'")
        connection.execute("INSERT INTO kernel_applied_revision VALUES ('articles', '9999', 1)")
    return file
