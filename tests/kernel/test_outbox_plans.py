"""The cost of the outbox's statements does not grow with the number of orphaned deliveries."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from modules.kernel.fakes import FakeClock
from modules.kernel.infrastructure.messaging.outbox_statements import (
    CLAIM_NEXT,
    COUNTS,
    MAX_COUNT,
    RELEASE,
    claim_due,
    deliveries,
    first_due,
)
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.postgresql import PREFER_INDEXES
from modules.kernel.infrastructure.tables import SCHEMA

SUBSCRIPTIONS = [("search", "ArticlePublished"), ("search", "ArticlesDeleted"), ("alarm", "LampBroken")]
# The module is gone, or it no longer subscribes to the event.
ORPHANED = [("gone", "ArticlePublished"), ("search", "ArticleRetired")]
ORPHANS = 3 * MAX_COUNT
NOW = FakeClock().now()
STATEMENTS: Mapping[str, Any] = {
    "first_due": first_due(SUBSCRIPTIONS),
    "claim_due": claim_due(SUBSCRIPTIONS),
    "claim_next": CLAIM_NEXT,
    "release": RELEASE,
    "counts": COUNTS,
}
PARAMETERS = {
    "now": NOW,
    "worker": "worker",
    "lease_expires_at": NOW + timedelta(seconds=30),
    "batch_size": 10,
    "of_subscriber": "search",
    "of_aggregate": "article_id 1",
    "of_events": ["ArticlePublished", "ArticlesDeleted"],
}


async def explain(database: Database, command: str, name: str) -> list[Any]:
    """Return the rows of this EXPLAIN of a statement."""
    sent: list[tuple[str, Any]] = []
    write, _ = database.engines

    def record(_connection: object, _cursor: object, text: str, parameters: Any, *_others: object) -> None:
        if "kernel_delivery" in text:
            sent.append((text, parameters))

    async with database.transaction() as session:
        if name == "counts" and database.dialect == "postgresql":
            await database.execute(PREFER_INDEXES)
        event.listen(write.sync_engine, "before_cursor_execute", record)
        savepoint = await session.begin_nested()
        await session.execute(STATEMENTS[name], PARAMETERS)
        await savepoint.rollback()
        event.remove(write.sync_engine, "before_cursor_execute", record)
        [(text, parameters)] = sent
        connection = await session.connection()
        return list(await connection.exec_driver_sql(f"{command} {text}", parameters))


@pytest.mark.parametrize("name", STATEMENTS)
async def test_statement_searches_indexes_on_sqlite(sqlite_database: Database, name: str) -> None:
    async with sqlite_database.migration_connection() as connection:
        await connection.run_sync(SCHEMA.metadata.create_all)
    lines = [line for *_, line in await explain(sqlite_database, "EXPLAIN QUERY PLAN", name)]
    table = [line for line in lines if re.search(r"(SCAN|SEARCH) (kernel_delivery|earlier)", line)]
    assert table
    assert [line for line in table if not line.startswith("SEARCH")] == []


@pytest.fixture(params=["not analyzed", "analyzed while empty", "analyzed"])
async def orphans(postgresql_database: Database, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """Return a database with orphaned deliveries, and one pending delivery of each subscription.

    The planner has no statistics, those of the empty table, or current ones.
    """
    async with postgresql_database.migration_connection() as connection:
        await connection.run_sync(SCHEMA.metadata.create_all)
        if request.param == "analyzed while empty":
            await connection.exec_driver_sql("ANALYZE kernel_delivery")
        rows = [delivery(*name, number) for name in ORPHANED for number in range(ORPHANS)]
        await connection.execute(insert(deliveries), rows)
        await connection.execute(insert(deliveries), [delivery(*name, 1) for name in SUBSCRIPTIONS])
        if request.param == "analyzed":
            await connection.exec_driver_sql("ANALYZE kernel_delivery")
    yield postgresql_database
    async with postgresql_database.migration_connection() as connection:
        await connection.run_sync(SCHEMA.metadata.drop_all)


def delivery(subscriber: str, name: str, number: int) -> Mapping[str, Any]:
    """Return a row that is due."""
    return {
        "subscriber": subscriber,
        "event": name,
        "aggregate": f"article_id {number}",
        "payload": "{}",
        "published_at": NOW,
        "due_at": NOW,
        "attempts": 0,
    }


async def rows_read(database: Database, name: str) -> int:
    """Return how many rows and index entries of the table a statement reads, also those it discards."""
    [[explained]] = await explain(database, "EXPLAIN (ANALYZE, FORMAT JSON)", name)
    return sum(map(rows_of_node, nodes(explained[0]["Plan"])))


def nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the node of a plan and those below it."""
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def rows_of_node(node: Mapping[str, Any]) -> int:
    """Return how many rows a scan reads."""
    if node.get("Relation Name") != "kernel_delivery" and node["Node Type"] != "Bitmap Index Scan":
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


@pytest.mark.parametrize("name", ["first_due", "claim_due", "claim_next"])
async def test_claim_reads_no_orphans_on_postgresql(orphans: Database, name: str) -> None:
    assert 0 < await rows_read(orphans, name) < 50


async def test_count_reads_a_bounded_number_of_orphans_on_postgresql(orphans: Database) -> None:
    # Twice: for the number and for the age.
    assert await rows_read(orphans, "counts") < 2 * MAX_COUNT * len(ORPHANED) + 50
