"""Conduit behind PgBouncer works as without: same settings of transactions, nothing lost."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.postgresql import SERVER_TIMEOUTS
from tests.client import Api
from tests.conftest import SECRET, AppInstance, composed
from tests.kernel.sample_table import in_another_request
from tests.pgbouncer import pgbouncer
from tests.postgresql import new_database
from tests.program import conduit

pytestmark = pytest.mark.slow

SETTINGS = ("transaction_isolation", "transaction_read_only", "statement_timeout", "lock_timeout")
IN_TRANSACTION = ("read committed", "off", "10s", "5s")
IN_SNAPSHOT = ("repeatable read", "on", "10s", "5s")


@pytest.fixture(params=["direct", "session", "transaction"])
def pooled(request: pytest.FixtureRequest, postgresql_app: AppInstance) -> Iterator[Settings]:
    """Return the settings of an application without a pooler, and behind one in each mode."""
    postgresql_app.empty()
    settings = postgresql_app.settings
    if request.param == "direct":
        yield settings
        return
    with pgbouncer(settings.database_url, request.param) as url:
        changes: dict[str, object] = {"database_url": url}
        if request.param == "transaction":
            # PgBouncer 1.21 and later support prepared statements in this mode; Debian 12 has 1.18.
            changes |= {
                "database_prepares_statements": False,
                "database_listen_url": settings.database_url,
            }
        yield settings.model_copy(update=changes)


@pytest.fixture
async def composition(pooled: Settings) -> AsyncIterator[Composition]:
    """Return the composition behind the pooler."""
    async with composed(pooled) as composition:
        yield composition


async def show(database: Database, unit_of_work: str) -> tuple[str, ...]:
    """Return the settings in force in a unit of work."""
    async with getattr(database, unit_of_work)() as session:
        return tuple([await session.scalar(text(f"SHOW {name}")) for name in SETTINGS])


async def test_transactions_have_their_settings(composition: Composition) -> None:
    for module in (composition.database, composition.database.of("articles")):
        # More often than there are connections, and alternating, so that each is used for both.
        for _ in range(4):
            assert await show(module, "transaction") == IN_TRANSACTION
            assert await show(module, "snapshot") == IN_SNAPSHOT
    assert await composition.database.unexpected_settings() == []


async def test_requests_and_event_handlers_work(pooled: Settings, composition: Composition) -> None:
    api = Api(create_application(pooled, composition))
    jake, anna = api.as_user("jake"), api.as_user("anna")
    for number in range(8):
        article = await jake.publish(f"Dragons {number}", tags=["fire"])
        await anna.comment(article)
        assert (await anna.post(f"/articles/{article['slug']}/favorite")).status_code == 200
    await anna.post("/profiles/jake/follow")
    assert (await anna.get("/articles/feed")).json()["articlesCount"] == 8
    assert (await api.get("/articles?tag=fire")).json()["articlesCount"] == 8
    await jake.delete(f"/articles/{article['slug']}")
    await composition.messaging.dispatcher.drain()
    assert (await api.get(f"/articles/{article['slug']}/comments")).status_code == 404
    assert (await api.outside("GET", "/health/ready")).status_code == 200


async def test_locked_row_is_a_503_in_time(
    pooled: Settings, postgresql_app: AppInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SERVER_TIMEOUTS, "lock_timeout", "50ms")
    async with composed(pooled) as composition:
        anna = Api(create_application(pooled, composition)).as_user("anna")
        article = await anna.publish("Dragons")
        async with postgresql_app.composition.database.transaction() as session:
            await session.execute(text("SELECT id FROM articles_article FOR UPDATE"))
            favorite = anna.post(f"/articles/{article['slug']}/favorite")
            assert (await in_another_request(favorite)).status_code == 503
        assert (await anna.post(f"/articles/{article['slug']}/favorite")).status_code == 200


async def listening(database: Database) -> AsyncGenerator[str | None]:
    async for topic in database.notifications():
        yield topic


async def test_notifications_of_other_processes_arrive(pooled: Settings, composition: Composition) -> None:
    async with aclosing(listening(composition.database)) as topics:
        assert await anext(topics) is None
        async with composed(pooled) as other, other.database.transaction():
            await other.database.notify("lamps")
        async with asyncio.timeout(5):
            assert await anext(topics) == "lamps"


async def test_empty_database_is_migrated(pooled: Settings) -> None:
    with new_database() as url:
        pooled_url = make_url(pooled.database_url).set(database=make_url(url).database).render_as_string()
        async with composed(pooled.model_copy(update={"database_url": pooled_url})) as composition:
            await migrate(composition.database, composition.migratable)
            assert (await Api(create_application(pooled, composition)).get("/tags")).json() == {"tags": []}


def test_program_does_not_start_where_prepared_statements_are_lost(
    postgresql_app: AppInstance, tmp_path: Path
) -> None:
    with pgbouncer(postgresql_app.settings.database_url, "transaction") as url:
        ended = conduit(tmp_path, "serve", DATABASE_URL=url, SECRET_KEY=SECRET)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "set CONDUIT_DATABASE_PREPARES_STATEMENTS=false" in ended.stderr
    assert "Traceback" not in ended.stderr
