"""The commands to back up and restore PostgreSQL, as the operations guide has them."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests import program
from tests.postgresql import Server
from tests.program import require_program

pytestmark = pytest.mark.slow

# Debian's, with pg_dump and pg_restore of the same version: pip's has neither.
PROGRAMS = Path("/usr/lib/postgresql")
ARTICLES = 200


@pytest.fixture(scope="module")
def programs() -> Path:
    """Return the folder of an installed PostgreSQL's programs."""
    require_program("pg_restore")
    return max(PROGRAMS.glob("*/bin"))


@pytest.fixture(scope="module")
def new_database(programs: Path) -> Iterator[Callable[[], str]]:
    """Return a factory of URLs of new databases."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-e2e-", dir="/tmp"))
    folder.chmod(0o755)
    server = Server(folder / "server", programs=programs)
    server.start()
    numbers = count(1)

    def create() -> str:
        name = f"restored_{next(numbers)}"
        plain = server.url.replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return plain.replace("/postgres?", f"/{name}?")

    yield create
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def dump(programs: Path, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the dump of a database with made-up articles."""
    folder, url = tmp_path_factory.mktemp("dumped"), new_database()
    for command in (("migrate",), ("demo", "--articles", str(ARTICLES))):
        completed = conduit(folder, url, *command)
        assert completed.returncode == 0, completed.stderr
    file = folder / "monday.dump"
    assert run(programs / "pg_dump", "--format=custom", f"--file={file}", url) == 0
    return file


def restore(programs: Path, dump: Path, url: str, *options: str) -> int:
    """Restore the dump, and return the exit code."""
    documented = ["--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={url}"]
    return run(programs / "pg_restore", *documented, *options, dump)


def run(*command: str | Path) -> int:
    # Not checked by `run` itself: some tests expect a failure, and each asserts the exit code.
    return subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603 - installed PostgreSQL


def conduit(folder: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return program.conduit(folder, *arguments, DATABASE_URL=url.replace("postgresql:", "postgresql+psycopg:"))


def test_restored_database_is_complete(
    programs: Path, dump: Path, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    assert restore(programs, dump, url) == 0
    assert conduit(tmp_path, url, "after-restore").returncode == 0
    assert conduit(tmp_path, url, "doctor").returncode == 0
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM articles_article").fetchone() == (ARTICLES,)


def test_truncated_dump_is_not_migrated(
    programs: Path, dump: Path, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url, truncated = new_database(), tmp_path / "truncated.dump"
    content = dump.read_bytes()
    truncated.write_bytes(content[: len(content) // 2])
    assert restore(programs, truncated, url) != 0
    assert_is_not_migrated(tmp_path, url, "kernel has tables without a revision: ")


def test_restore_interrupted_before_keys_and_indexes_is_not_migrated(
    programs: Path, dump: Path, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    assert restore(programs, dump, url, "--section=pre-data", "--section=data") == 0
    assert_is_not_migrated(tmp_path, url, "kernel lacks the index of kernel_delivery ")


def assert_is_not_migrated(folder: Path, url: str, problem: str) -> None:
    for command in ("migrate", "after-restore"):
        completed = conduit(folder, url, command)
        assert completed.returncode == 1
        assert problem in completed.stderr, completed.stderr
        assert "restore into a new database" in completed.stderr
