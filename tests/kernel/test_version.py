"""The database's version: another number after any commit, by whomever, and the same number until then."""

from contextlib import suppress
from pathlib import Path

from modules.kernel.infrastructure.persistence.database import Database
from tests.kernel.sample_table import Thing, names, with_things


class Interruption(Exception):
    """Stands for whatever goes wrong in a use case."""


async def add(database: Database, name: str = "lamp") -> None:
    async with database.transaction() as session:
        session.add(Thing(name=name))


async def test_it_changes_with_a_commit(on_file: Database) -> None:
    before = on_file.data_version()
    await add(on_file)
    assert None is not on_file.data_version() != before


async def test_it_is_seen_by_whoever_asks_after_the_commit_and_by_nobody_before(on_file: Database) -> None:
    before = on_file.data_version()
    async with on_file.transaction():
        await add(on_file)
        assert on_file.data_version() == before
    assert on_file.data_version() != before


async def test_it_stays_while_others_only_read(on_file: Database) -> None:
    before = on_file.data_version()
    await names(on_file)
    async with on_file.transaction():
        await names(on_file)
    assert on_file.data_version() == before


async def test_it_stays_when_what_was_written_is_undone(on_file: Database) -> None:
    before = on_file.data_version()
    with suppress(Interruption):
        async with on_file.transaction():
            await add(on_file)
            raise Interruption
    assert on_file.data_version() == before


async def test_it_changes_when_another_process_commits(on_file: Database, tmp_path: Path) -> None:
    before = on_file.data_version()
    other = await with_things(f"sqlite+aiosqlite:///{tmp_path}/things.db")
    await add(other)
    await other.dispose()
    assert on_file.data_version() != before


async def test_it_never_comes_again(on_file: Database) -> None:
    versions = [on_file.data_version()]
    for number in range(20):
        await add(on_file, f"lamp {number}")
        versions.append(on_file.data_version())
    assert len(set(versions)) == len(versions)


async def test_it_is_not_known_of_a_database_in_memory(in_memory: Database) -> None:
    assert in_memory.data_version() is None


async def test_it_is_not_known_while_there_is_no_file(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/none.db")
    assert database.data_version() is None
    await database.dispose()


async def test_another_file_of_the_same_name_has_another(tmp_path: Path) -> None:
    file = tmp_path / "things.db"
    database = await with_things(f"sqlite+aiosqlite:///{file}")
    before = database.data_version()
    await database.dispose()
    file.unlink()
    again = await with_things(f"sqlite+aiosqlite:///{file}")
    assert database.data_version() not in {before, None}
    await again.dispose()
    await database.dispose()
