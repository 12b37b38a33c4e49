"""Online backup and restore of a SQLite database."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from modules.kernel.infrastructure.persistence import sqlite
from modules.kernel.infrastructure.persistence.engines import parse_url
from modules.kernel.infrastructure.persistence.sqlite import APPLICATION_ID
from modules.kernel.infrastructure.persistence.sqlite_driver import create_private


class BackupError(Exception):
    """A backup or restore failed; the message is one line for the operator."""


def sqlite_file(url: str) -> Path:
    """Return the file of a SQLite database; raise `BackupError` for any other database."""
    try:
        parsed = parse_url(url)
        file = sqlite.sqlite_file(parsed) if parsed.get_backend_name() == "sqlite" else None
    except ValueError as error:
        raise BackupError(f"CONDUIT_DATABASE_URL: {error}") from error
    if file is None:
        raise BackupError("this is for SQLite; on PostgreSQL, pg_dump and pg_restore are the tools")
    return file


def create_backup(database: Path, target: Path) -> None:
    """Copy the database to a new file, and check the integrity of the copy before it gets its name.

    Only its owner may read the copy: it contains password hashes and e-mail addresses. Others may use the
    database meanwhile: SQLite copies the state that was committed at the beginning
    (https://sqlite.org/backup.html). Raises `BackupError`.
    """
    if target.exists():
        raise BackupError(f"{target} already exists; choose another file")
    if not target.parent.is_dir():
        raise BackupError(f"there is no folder {target.parent}")
    draft = target.with_name(f"{target.name}.{os.getpid()}.draft")
    with _single_line_errors(f"{database}, or its copy {target}"), _removed(draft):
        create_private(draft)
        with _opened(database) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
            # Without a write-ahead log, the copy is one file.
            copy.execute("PRAGMA journal_mode = DELETE")
        check_integrity(draft)
        _sync(draft)
        # A link, not a rename, which would overwrite a file created in the meantime.
        target.hardlink_to(draft)


@contextmanager
def temporary_copy(backup: Path, database: Path) -> Iterator[Path]:
    """Copy the backup to a file beside the database, and delete it after the block; raise `BackupError`."""
    copy = database.with_name(f"{database.name}.{os.getpid()}.restored")
    create_backup(backup, copy)
    with _removed(copy):
        yield copy


def restore_backup(backup: Path, database: Path) -> None:
    """Replace the database's content by the backup's, in one transaction; raise `BackupError`.

    Open connections stay valid and read the restored content. An existing file keeps its mode.
    """
    with _single_line_errors(f"{backup}, or {database}"), _opened(backup) as source:
        create_private(database)
        with closing(sqlite3.connect(database, timeout=30)) as copy:
            copy.execute("PRAGMA journal_mode = WAL")
            copy.execute("PRAGMA synchronous = FULL")
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = WAL")
        check_integrity(database)


def check_integrity(file: Path) -> None:
    """Raise `BackupError` if SQLite's integrity check fails."""
    with _single_line_errors(file), _opened(file) as connection:
        [result] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if result != "ok":
        raise BackupError(f"{file} is damaged: {result}")


def require_conduit_database(file: Path) -> None:
    """Raise `BackupError` unless this is a database of Conduit.

    It must have the table of the kernel's revision, and Conduit's `application_id`, or 0 if it was last
    migrated before that was set.
    """
    with _single_line_errors(file), _opened(file) as connection:
        [application_id] = connection.execute("PRAGMA application_id").fetchone()
        statement = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'kernel_alembic_version'"
        has_tables = connection.execute(statement).fetchone() is not None
    if not has_tables or application_id not in {0, APPLICATION_ID}:
        raise BackupError(f"{file} is not a Conduit database")


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    # SQLite would create a missing file.
    if not file.is_file():
        raise BackupError(f"there is no {file}")
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as connection:
        yield connection


@contextmanager
def _single_line_errors(subject: object) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"{subject}: {error}") from error


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
