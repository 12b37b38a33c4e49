"""Copies of a SQLite database, whole and of one moment, while others use it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import make_url


class BackupError(Exception):
    """A copy cannot be made or used; the message is one line for the operator."""


def sqlite_file(url: str) -> Path:
    """Return the file of a SQLite database; raise `BackupError` for a database that is not one."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise BackupError("this is for SQLite; on PostgreSQL, pg_dump and pg_restore are the tools")
    return Path(str(parsed.database))


def create_backup(database: Path, target: Path) -> None:
    """Copy the database to a file that is not there yet, and look at the copy before it gets its name.

    Others may read and write meanwhile: SQLite copies what was committed when it began
    (https://sqlite.org/backup.html). Raises `BackupError`.
    """
    if target.exists():
        raise BackupError(f"{target} is there already; a backup overwrites nothing")
    draft = target.with_name(f"{target.name}.{os.getpid()}.draft")
    with _one_line(), _removed(draft):
        with _opened(database) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
            # Of the write-ahead log there is none: the copy is one file.
            copy.execute("PRAGMA journal_mode = DELETE")
        check_integrity(draft)
        _sync(draft)
        # Not by renaming: that would overwrite what somebody else has made meanwhile.
        target.hardlink_to(draft)


def restore_backup(backup: Path, database: Path) -> None:
    """Make the database what the backup is, in one transaction of SQLite's; raise `BackupError`.

    Others may be connected: they go on with what the backup holds.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    with _one_line(), _opened(backup) as source:
        with closing(sqlite3.connect(database, timeout=30)) as copy:
            copy.execute("PRAGMA journal_mode = WAL")
            copy.execute("PRAGMA synchronous = FULL")
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = WAL")
        check_integrity(database)


def check_integrity(file: Path) -> None:
    """Raise `BackupError` if SQLite finds anything wrong with a database."""
    with _one_line(), _opened(file) as connection:
        [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise BackupError(f"{file} is damaged: {found}")


def require_migrated(file: Path) -> None:
    """Raise `BackupError` for a database that no Conduit has ever migrated."""
    with _one_line(), _opened(file) as connection:
        statement = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name LIKE '%_alembic_version'"
        if connection.execute(statement).fetchone() is None:
            raise BackupError(f"{file} is no database of Conduit's")


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    # SQLite would make a file that is not there.
    if not file.is_file():
        raise BackupError(f"there is no {file}")
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as connection:
        yield connection


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise BackupError(str(error)) from error


@contextmanager
def _removed(draft: Path) -> Iterator[None]:
    try:
        yield
    finally:
        draft.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
