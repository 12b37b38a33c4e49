"""What `conduit doctor` says of the database itself."""

from pathlib import Path

import pytest

from modules.kernel.infrastructure.persistence import database_problems as problems
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.database_problems import database_problems
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions


async def test_sound_database_has_no_problem(database: Database) -> None:
    assert await database_problems(database) == []


async def test_damaged_file_full_disk_and_large_log_are_problems(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "MIN_FREE_BYTES", 10**18)
    monkeypatch.setattr(problems, "LARGE_LOG_BYTES", -1)
    file = tmp_path / "things.db"
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"damage" * 100)
    damage, free, log = await database_problems(sqlite_database)
    assert damage.startswith((f"{file} is damaged: ", f"{file}: "))
    assert free.startswith(f"{file}: only ")
    assert log.startswith(f"{file}-wal: has ")


async def test_clock_connections_and_version_of_postgresql_are_problems(
    empty_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "MIN_SERVER_VERSION", 99)
    monkeypatch.setattr(problems, "MAX_CLOCK_DIFFERENCE_SECONDS", -1)
    database = Database(empty_postgresql, DatabaseOptions(pool_size=500))
    version, clock, connections = await database_problems(database)
    assert version.endswith("is not supported")
    assert clock.startswith("the server's clock differs by ")
    assert connections == "a process opens up to 1003 connections, and the server accepts 197"
    await database.dispose()
