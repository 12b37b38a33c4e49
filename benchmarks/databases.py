"""The databases of a run: SQLite files, and PostgreSQL with durable settings."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.postgresql import Server

COMMIT_DELAY_MICROSECONDS = 1_000
# PostgreSQL's defaults, which are durable, except that it listens only on a socket in its folder.
SETTINGS = {"listen_addresses": "''", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class Databases(Protocol):
    """The databases of one engine."""

    version: str
    """The engine's name and version."""
    postmaster: int | None
    """The process id of PostgreSQL; None on SQLite."""

    def create(self, name: str, template: str | None = None, *, commit_delay: bool = False) -> str:
        """Create a database, empty or a copy of the template, which nobody may be using; return its URL.

        With `commit_delay`, PostgreSQL delays the write of each commit to disk, so that others can join it.
        """
        ...


class SqliteDatabases:
    """SQLite files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.version = f"SQLite {sqlite3.sqlite_version}"
        self.postmaster: int | None = None
        self._folder = folder

    def create(self, name: str, template: str | None = None, *, commit_delay: bool = False) -> str:
        """Create a file; SQLite has no `commit_delay`."""
        assert not commit_delay  # noqa: S101 - no measurement asks for it
        file = self._folder / f"{name}.db"
        if template is not None:
            shutil.copy(self._folder / f"{template}.db", file)
        return f"sqlite+aiosqlite:///{file}"


class PostgresqlDatabases:
    """The databases of a running PostgreSQL server."""

    def __init__(self, server: Server) -> None:
        self._url = make_url(server.url)
        self.postmaster: int | None = server.pid
        with self._connection() as connection:
            self.version = f"PostgreSQL {connection.info.parameter_status('server_version')}"

    def create(self, name: str, template: str | None = None, *, commit_delay: bool = False) -> str:
        """Create a database of the server."""
        database = sql.Identifier(name)
        with self._connection() as connection:
            source = sql.Identifier(template or "template0")
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(database, source))
            if commit_delay:
                delay = sql.Literal(COMMIT_DELAY_MICROSECONDS)
                connection.execute(sql.SQL("ALTER DATABASE {} SET commit_delay = {}").format(database, delay))
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _connection(self) -> psycopg.Connection:
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgresqlDatabases]:
    """Start a server in the folder, which `tests.postgresql` describes, and stop it at the end."""
    # The server's user is not this process's, if that is root.
    folder.chmod(0o755)
    server = Server(folder / "postgresql", SETTINGS)
    server.start()
    try:
        yield PostgresqlDatabases(server)
    finally:
        server.stop()
