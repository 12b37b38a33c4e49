"""The data version: it changes with every commit, of any process."""

from contextlib import suppress
from pathlib import Path

from modules.kernel.infrastructure.persistence.database import Database
from tests.kernel.sample_table import Thing, create_sample_database, names


class UseCaseError(Exception):
    """An error in a use case."""


async def add(database: Database, name: str = "lamp") -> None:
    async with database.transaction() as session:
        session.add(Thing(name=name))


async def test_uncommitted_write_keeps_data_version(sqlite_database: Database) -> None:
    before = sqlite_database.data_version()
    async with sqlite_database.transaction():
        await add(sqlite_database)
        assert sqlite_database.data_version() == before
    assert sqlite_database.data_version() != before


async def test_read_keeps_data_version(sqlite_database: Database) -> None:
    before = sqlite_database.data_version()
    await names(sqlite_database)
    async with sqlite_database.transaction():
        await names(sqlite_database)
    assert sqlite_database.data_version() == before


async def test_rollback_keeps_data_version(sqlite_database: Database) -> None:
    before = sqlite_database.data_version()
    with suppress(UseCaseError):
        async with sqlite_database.transaction():
            await add(sqlite_database)
            raise UseCaseError
    assert sqlite_database.data_version() == before


async def test_commit_of_another_process_changes_data_version(
    sqlite_database: Database, tmp_path: Path
) -> None:
    before = sqlite_database.data_version()
    other = await create_sample_database(f"sqlite+aiosqlite:///{tmp_path}/things.db")
    await add(other)
    await other.dispose()
    assert sqlite_database.data_version() != before


async def test_data_versions_are_unique(sqlite_database: Database) -> None:
    versions = [sqlite_database.data_version()]
    for number in range(20):
        await add(sqlite_database, f"lamp {number}")
        versions.append(sqlite_database.data_version())
    assert len(set(versions)) == len(versions)


async def test_memory_database_has_no_data_version(memory_database: Database) -> None:
    assert memory_database.data_version() is None


async def test_missing_file_has_no_data_version(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/none.db")
    assert database.data_version() is None
    await database.dispose()


async def test_replaced_file_has_another_data_version(tmp_path: Path) -> None:
    file = tmp_path / "things.db"
    database = await create_sample_database(f"sqlite+aiosqlite:///{file}")
    before = database.data_version()
    await database.dispose()
    file.unlink()
    replacement = await create_sample_database(f"sqlite+aiosqlite:///{file}")
    assert database.data_version() not in {before, None}
    await replacement.dispose()
    await database.dispose()
