"""Connections of units of work to PostgreSQL, with faults of the server, the connection and values."""

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any, cast

import psycopg
import pytest
import uvloop
from sqlalchemy import Double, bindparam, column, delete, func, insert, make_url, select, table, text
from sqlalchemy.exc import DBAPIError, IntegrityError, NotSupportedError

from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.persistence import postgresql
from modules.kernel.infrastructure.persistence.database import (
    Database,
    DatabaseUnavailable,
    PreparedStatementLost,
)
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions
from modules.kernel.infrastructure.persistence.postgresql_connections import (
    MAX_DEFERRED_ROWS,
    PostgresqlConnection,
    _Input,
)
from modules.kernel.infrastructure.persistence.statements import prepare
from tests.kernel.sample_table import Thing, in_another_request, names

pytestmark = pytest.mark.slow

things = Thing.metadata.tables[Thing.__tablename__]
INSERT = prepare(insert(things))
DELETE_ALL = prepare(delete(things))
NAMES = prepare(select(things.c.name).order_by(things.c.id))
NUMBERS = prepare(select(things.c.number).order_by(things.c.id))
PREPARED = prepare(select(func.count()).select_from(table("pg_prepared_statements")))
PREPARED_SQL = prepare(select(column("statement")).select_from(table("pg_prepared_statements")))
PREPARED_NAMES = prepare(select(column("name")).select_from(table("pg_prepared_statements")))
PROCESS = prepare(select(func.pg_backend_pid()))
SLEEP = prepare(select(func.pg_sleep(bindparam("seconds", type_=Double))))


class UseCaseError(Exception):
    """An error in a use case."""


async def run(database: Database, statement: str) -> None:
    """Execute a statement on another connection."""
    async with database.migration_connection() as connection:
        await connection.execute(text(statement))


async def terminate(database: Database) -> None:
    """Terminate the server's process of the open unit of work, and wait for its end."""
    process = await database.fetch_value(PROCESS)
    await in_another_request(run(database, f"SELECT pg_terminate_backend({process}, 30000)"))


async def test_units_of_work_prepare_each_statement_once(postgresql_database: Database) -> None:
    numbers = set()
    for _ in range(3):
        async with postgresql_database.snapshot():
            await postgresql_database.fetch_all(NAMES)
            numbers.add(await postgresql_database.fetch_value(PREPARED))
    assert len(numbers) == 1


async def test_names_of_prepared_statements_are_those_of_one_session(postgresql_database: Database) -> None:
    names: list[str] = []
    for unit_of_work in (postgresql_database.transaction, postgresql_database.snapshot):
        async with unit_of_work():
            names += await postgresql_database.fetch_values(PREPARED_NAMES)
    assert len(names) == len(set(names)) > 4


async def test_socket_is_watched_from_one_statement_to_the_next(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, watched = asyncio.get_running_loop(), list[int]()
    add_reader = loop.add_reader

    def add_counted(socket: int, *callback: Any) -> None:
        watched.append(socket)
        add_reader(socket, *callback)

    async with postgresql_database.snapshot() as session:
        await session.execute(text("SELECT 1"))
        monkeypatch.setattr(loop, "add_reader", add_counted)
        for _ in range(5):
            await postgresql_database.fetch_all(NAMES)
        assert len(watched) == 1
        # Those of a session are read by psycopg, and not before it waits for them.
        for _ in range(5):
            await session.execute(text("SELECT pg_sleep(0.001)"))
        assert watched[0] not in watched[1:]


@pytest.mark.parametrize("name", ["\0", "\ud800", object()], ids=["nul", "surrogate", "object"])
async def test_connection_is_usable_after_value_that_cannot_be_sent(
    postgresql_database: Database, name: object
) -> None:
    rows = [{"name": name if number == 9 else f"thing {number}", "number": 0} for number in range(10)]
    for _ in range(2):
        with pytest.raises((DBAPIError, UnicodeEncodeError)):
            await postgresql_database.execute_many(INSERT, rows)
        await postgresql_database.execute_many(INSERT, rows[:9])
        async with postgresql_database.transaction():
            assert await postgresql_database.fetch_values(NAMES) == [row["name"] for row in rows[:9]]
            await postgresql_database.execute(DELETE_ALL)


async def insert_twice_and(database: Database, next_statement: str) -> None:
    """Insert a row, and the same again, in a transaction that goes on with this statement."""
    async with database.transaction() as session:
        for _ in range(2):
            await database.execute(INSERT, {"name": "lamp", "number": 0})
        if next_statement == "of the module":
            await database.fetch_all(NAMES)
        elif next_statement == "of the session":
            await session.execute(text("SELECT 1"))


@pytest.mark.parametrize("next_statement", ["of the module", "of the session", "none"])
async def test_error_of_a_statement_is_raised_by_the_next_one(
    postgresql_database: Database, next_statement: str
) -> None:
    with pytest.raises(IntegrityError) as raised:
        await insert_twice_and(postgresql_database, next_statement)
    assert str(raised.value.statement).startswith("INSERT INTO things_thing")
    assert await names(postgresql_database) == []
    # The connection is usable.
    await postgresql_database.execute(INSERT, {"name": "lamp", "number": 0})
    assert await names(postgresql_database) == ["lamp"]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sequence[Sequence[str]]:
    """Return the commands of the statements that are sent, by round trip."""
    sent = []
    send = PostgresqlConnection._send_and_read

    async def send_recorded(connection: PostgresqlConnection, statements: Sequence[Any]) -> Any:
        sent.append([statement.sql.partition(" ")[0] for statement in statements])
        return await send(connection, statements)

    monkeypatch.setattr(PostgresqlConnection, "_send_and_read", send_recorded)
    return sent


async def test_statements_without_rows_are_one_round_trip(
    postgresql_database: Database, sent: Sequence[Sequence[str]]
) -> None:
    async with postgresql_database.transaction():
        for name in ("lamp", "table"):
            await postgresql_database.execute(INSERT, {"name": name, "number": 0})
        prepared = await postgresql_database.fetch_values(PREPARED_SQL)
        await postgresql_database.execute(DELETE_ALL)
    assert sent == [["INSERT", "INSERT", "SELECT"], ["DELETE"], ["COMMIT"]]
    assert len([sql for sql in prepared if sql.startswith("INSERT INTO things_thing")]) == 1


async def test_many_rows_are_not_kept_until_the_next_statement(
    postgresql_database: Database, sent: Sequence[Sequence[str]]
) -> None:
    async with postgresql_database.transaction():
        for number in range(MAX_DEFERRED_ROWS + 1):
            await postgresql_database.execute(INSERT, {"name": f"thing {number}", "number": 0})
        assert [len(statements) for statements in sent] == [MAX_DEFERRED_ROWS + 1]


async def test_statements_before_a_rollback_are_not_executed(
    postgresql_database: Database, sent: Sequence[Sequence[str]]
) -> None:
    async def fail() -> None:
        async with postgresql_database.transaction():
            await postgresql_database.execute(INSERT, {"name": "lamp", "number": 0})
            raise UseCaseError

    with pytest.raises(UseCaseError):
        await fail()
    async with postgresql_database.transaction():
        assert await postgresql_database.fetch_all(NAMES) == []
    assert sent[0] == ["SELECT"]


async def test_rows_are_fetched_with_those_of_the_next_statement(
    postgresql_database: Database, sent: Sequence[Sequence[str]]
) -> None:
    await postgresql_database.execute(INSERT, {"name": "lamp", "number": 7})
    async with postgresql_database.snapshot():
        fetch_numbers = postgresql_database.fetch_later(NUMBERS)
        assert await postgresql_database.fetch_values(NAMES) == ["lamp"]
        for _ in range(2):
            assert [row.number for row in await fetch_numbers()] == [7]
    async with postgresql_database.snapshot():
        fetch_numbers = postgresql_database.fetch_later(NUMBERS)
        assert [row.number for row in await fetch_numbers()] == [7]
    assert sent[-2:] == [["SELECT", "SELECT"], ["SELECT"]]


async def test_rows_that_nobody_has_fetched_are_forgotten(
    postgresql_database: Database, sent: Sequence[Sequence[str]]
) -> None:
    async with postgresql_database.snapshot():
        fetch_numbers = postgresql_database.fetch_later(NUMBERS)
    async with postgresql_database.snapshot():
        assert await postgresql_database.fetch_values(NAMES) == []
        with pytest.raises(RuntimeError, match="has ended"):
            await fetch_numbers()
    assert sent == [["SELECT"]]


async def test_rollback_to_a_savepoint_does_not_wait_for_what_it_undoes(
    postgresql_database: Database,
) -> None:
    async def insert_again_and_fail() -> None:
        async with postgresql_database.translating_violations({}):
            await postgresql_database.execute(INSERT, {"name": "lamp", "number": 0})
            raise UseCaseError

    await postgresql_database.execute(INSERT, {"name": "lamp", "number": 0})
    async with postgresql_database.transaction():
        # A violation, which would end the transaction.
        with pytest.raises(UseCaseError):
            await insert_again_and_fail()
        await postgresql_database.execute(INSERT, {"name": "table", "number": 0})
    assert await names(postgresql_database) == ["lamp", "table"]


async def test_connection_without_a_file_descriptor_is_closed_and_waits(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    pool = postgresql_database.pools["read"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "dup", fail)
        with pytest.raises(DatabaseUnavailable):
            await postgresql_database.fetch_all(NAMES)
        assert (pool.in_use, pool.free_slots) == (0, pool.size)
    async with postgresql_database.snapshot():
        await postgresql_database.fetch_all(NAMES)
        with monkeypatch.context() as patch:
            patch.setattr(os, "dup", fail)
            patch.setattr(pool, "timeout", 0.01)
            # Not an error at once: it could have had the connection of the first one.
            with pytest.raises(Unavailable) as raised:
                await in_another_request(names(postgresql_database))
    assert type(raised.value) is Unavailable


async def test_connection_that_was_closed_a_moment_ago_is_replaced(
    postgresql_database: Database, empty_postgresql: str
) -> None:
    process = await postgresql_database.fetch_value(PROCESS)
    url = make_url(empty_postgresql).set(drivername="postgresql").render_as_string(hide_password=False)
    # In this thread, so that the event loop does not notice it meanwhile.
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 30000)", (process,))
    assert await postgresql_database.fetch_value(PROCESS) != process


class ResetConnection:
    """A connection of libpq that the server has reset; what had arrived before is read first."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self._client = socket.create_connection(listening.getsockname())
            accepted, _ = listening.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        self.socket = self._client.fileno()
        self._reads = 0

    def consume_input(self) -> None:
        self._reads += 1
        if self._reads > 1:
            self._client.close()
            raise psycopg.OperationalError("reset")


def test_reset_is_noticed_after_what_arrived_before_it() -> None:
    """Uvloop calls back once for a socket with an error."""

    async def read() -> None:
        arriving = _Input(cast("Any", ResetConnection()))
        arriving.is_expected = True
        async with asyncio.timeout(10):
            await arriving.arrival()
            with pytest.raises(psycopg.OperationalError):
                await arriving.arrival()
        arriving.close()

    uvloop.run(read())


@pytest.mark.parametrize("kind", ["transaction", "snapshot"])
async def test_lost_connection_is_released_and_replaced(postgresql_database: Database, kind: str) -> None:
    async def fail() -> None:
        async with getattr(postgresql_database, kind)() as session:
            await session.execute(text("SELECT 1"))
            await terminate(postgresql_database)
            raise UseCaseError

    with pytest.raises(UseCaseError):
        await fail()
    assert {pool.in_use for pool in postgresql_database.pools.values()} == {0}
    await postgresql_database.execute(INSERT, {"name": "lamp", "number": 0})
    assert await names(postgresql_database) == ["lamp"]


async def test_cancelled_statement_that_does_not_end_is_abandoned(
    postgresql_database: Database, empty_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a server that hangs: it gets the request to cancel, and does not cancel the statement."""

    async def cancel_nothing(_connection: object) -> None:
        pass

    monkeypatch.setattr(psycopg.AsyncConnection, "cancel_safe", cancel_nothing)
    monkeypatch.setattr(postgresql, "CANCEL_TIMEOUT_SECONDS", 0.01)
    url = make_url(empty_postgresql).update_query_dict({"options": "-c statement_timeout=0"})
    database = Database(url.render_as_string(hide_password=False), DatabaseOptions(pool_size=1))
    process = await database.fetch_value(PROCESS)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await database.fetch_all(SLEEP, {"seconds": 600})
    assert await database.fetch_value(PROCESS) != process
    await run(postgresql_database, f"SELECT pg_terminate_backend({process}, 30000)")
    await database.dispose()


async def test_statement_is_prepared_again_after_its_type_changed(postgresql_database: Database) -> None:
    assert await postgresql_database.fetch_all(NUMBERS) == []
    await run(postgresql_database, "ALTER TABLE things_thing ALTER number TYPE bigint")
    with pytest.raises(NotSupportedError):
        await postgresql_database.fetch_all(NUMBERS)
    assert await postgresql_database.fetch_all(NUMBERS) == []


async def test_statement_is_prepared_again_after_the_server_lost_it(
    postgresql_database: Database,
) -> None:
    assert await postgresql_database.fetch_all(NAMES) == []
    async with postgresql_database.snapshot() as session:
        await session.execute(text("DEALLOCATE ALL"))
    with pytest.raises(PreparedStatementLost):
        await postgresql_database.fetch_all(NAMES)
    assert await postgresql_database.fetch_all(NAMES) == []


async def test_requests_wait_for_a_connection_when_the_server_accepts_no_other(
    postgresql_database: Database,
) -> None:
    limited = f"limited_{postgresql_database.engines[0].url.database}"
    await run(postgresql_database, f"CREATE ROLE {limited} LOGIN CONNECTION LIMIT 2")
    url = postgresql_database.engines[0].url.set(username=limited)
    database = Database(url.render_as_string(hide_password=False), DatabaseOptions(pool_size=10))
    try:
        processes = await asyncio.gather(*(read_slowly(database) for _ in range(20)))
        assert len(set(processes)) == 2
        assert database.pools["read"].in_use == 0
        # There is nothing to wait for.
        with pytest.raises(DatabaseUnavailable):
            async with database.transaction() as session:
                await session.execute(text("SELECT 1"))
    finally:
        await database.dispose()
        await run(postgresql_database, f"DROP ROLE {limited}")


async def read_slowly(database: Database) -> object:
    """Use a connection longer than connecting takes, and return the id of its process."""
    async with database.snapshot():
        await database.fetch_all(SLEEP, {"seconds": 0.05})
        return await database.fetch_value(PROCESS)
