"""What was read is remembered for as long as reading it again would give the same."""

from pathlib import Path

import pytest

from modules.kernel.infrastructure.database import Database
from modules.kernel.infrastructure.remembered import Remembered
from tests.kernel.things import Thing, with_things

Memory = Remembered[str, int]


async def add(database: Database, name: str) -> None:
    async with database.transaction() as session:
        session.add(Thing(name=name))


@pytest.fixture
def memory(on_file: Database) -> Memory:
    return Remembered(on_file, at_most=3)


def remember(memory: Memory, **values: int) -> None:
    """Remember what was just read."""
    for key, value in values.items():
        memory.put(key, value, memory.version())


def test_what_was_read_is_remembered(memory: Memory) -> None:
    remember(memory, lamps=1)
    assert memory.get("lamps") == 1
    assert memory.get("tables") is None


async def test_any_commit_makes_it_forget_everything(memory: Memory, on_file: Database) -> None:
    remember(memory, lamps=1, tables=2)
    await add(on_file, "lamp")
    assert memory.get("lamps") is None
    assert memory.get("tables") is None
    remember(memory, lamps=2)
    assert memory.get("lamps") == 2


async def test_a_commit_of_another_process_does_too(memory: Memory, tmp_path: Path) -> None:
    remember(memory, lamps=1)
    other = await with_things(f"sqlite+aiosqlite:///{tmp_path}/things.db")
    await add(other, "lamp")
    await other.dispose()
    assert memory.get("lamps") is None


async def test_what_was_read_before_a_commit_is_not_remembered_after_it(
    memory: Memory, on_file: Database
) -> None:
    version = memory.version()
    await add(on_file, "lamp")
    memory.put("lamps", 0, version)
    assert memory.get("lamps") is None
    # Nor when others have asked for the new version meanwhile.
    memory.put("lamps", 0, version)
    assert memory.get("lamps") is None


def test_it_remembers_so_many_and_forgets_the_oldest(memory: Memory) -> None:
    remember(memory, a=1, b=2, c=3, d=4)
    assert [memory.get(key) for key in "abcd"] == [None, 2, 3, 4]


def test_where_the_version_is_not_known_nothing_is_remembered(in_memory: Database) -> None:
    memory: Memory = Remembered(in_memory, at_most=3)
    remember(memory, lamps=1)
    assert memory.get("lamps") is None
