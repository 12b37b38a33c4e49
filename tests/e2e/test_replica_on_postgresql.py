"""Anonymous reads from a standby that is behind, or does not respond."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import func, select

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions
from modules.kernel.infrastructure.persistence.replica import Replica, ReplicaFailed
from modules.kernel.infrastructure.persistence.statements import prepare
from tests.client import Api
from tests.conftest import composed, settings_on
from tests.postgresql import TEMPORARY, Server

SLEEP = prepare(select(func.pg_sleep(0.7)))

pytestmark = pytest.mark.slow

MAX_LAG_SECONDS = 0.05
# More than the time limit of a replica, and less than that of a request.
TIMEOUT_SECONDS = 20
SETTINGS = settings_on("unused").model_copy(update={"database_max_replica_lag": MAX_LAG_SECONDS})


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    """Return a primary and its standby."""
    with TemporaryDirectory(prefix="conduit-replica-", dir=TEMPORARY) as name:
        Path(name).chmod(0o755)
        primary = Server(Path(name, "primary"))
        primary.start()
        standby = primary.start_standby(Path(name, "standby"))
        yield primary, standby
        for server in (primary, standby):
            server.stop()


def urls(primary: Server, standby: Server) -> dict[str, str]:
    """Return the settings that name the servers."""
    return {"database_url": primary.url, "database_read_url": standby.url}


@pytest.fixture
async def composition(servers: tuple[Server, Server]) -> AsyncIterator[Composition]:
    """Return a composition on the primary and the standby."""
    primary, standby = servers
    async with composed(SETTINGS.model_copy(update=urls(primary, standby))) as composition:
        await migrate(composition.database, composition.migratable)
        yield composition


@pytest.fixture
def api(servers: tuple[Server, Server], composition: Composition) -> Api:
    """Return a client of the application on them."""
    return Api(create_application(SETTINGS.model_copy(update=urls(*servers)), composition))


async def lag_until(replica: Replica, condition: Callable[[float], bool]) -> None:
    """Measure the lag of the replica until it fulfills the condition."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while replica.lag_seconds is None or not condition(replica.lag_seconds):
            await replica.measure()


async def test_replica_that_is_too_far_behind_is_not_read(
    servers: tuple[Server, Server], composition: Composition, api: Api
) -> None:
    jake, replica = api.as_user("jake"), composition.database.replica
    assert replica is not None
    with servers[1].connect() as standby:
        await jake.publish("Read from the standby")
        await lag_until(replica, lambda seconds: seconds == 0)
        standby.execute("SELECT pg_wal_replay_pause()")
        await jake.publish("Dragons")
        # Not measured since.
        assert (await api.get("/articles/read-from-the-standby")).status_code == 200
        assert (await api.get("/articles/dragons")).status_code == 404
        await lag_until(replica, lambda seconds: seconds > MAX_LAG_SECONDS)
        assert (await api.get("/articles/dragons")).status_code == 200
        measuring = asyncio.create_task(replica.measure())
        await asyncio.sleep(0)
        assert not replica.is_usable
        await measuring
        standby.execute("SELECT pg_wal_replay_resume()")
        await lag_until(replica, lambda seconds: seconds == 0)
        assert replica.is_usable


async def test_replica_that_hangs_delays_reads_for_a_moment(
    servers: tuple[Server, Server], composition: Composition, api: Api
) -> None:
    replica = composition.database.replica
    assert replica is not None
    assert (await api.get("/tags")).status_code == 200
    with servers[1].frozen():
        async with asyncio.timeout(TIMEOUT_SECONDS):
            # More than there are connections.
            responses = await asyncio.gather(*(api.get("/articles") for _ in range(30)))
            assert {response.status_code for response in responses} == {200}
            assert not replica.is_usable
            await replica.measure()
    assert replica.lag_seconds is None


async def test_busy_replica_is_not_a_failed_one(servers: tuple[Server, Server]) -> None:
    primary, standby = servers
    database = Database(primary.url, DatabaseOptions(pool_size=1, read_url=standby.url))

    async def read_slowly() -> None:
        async with database.snapshot():
            await database.fetch_all(SLEEP)

    with database.allow_replica():
        results = await asyncio.gather(*(read_slowly() for _ in range(4)), return_exceptions=True)
    assert {type(result) for result in results} == {type(None), ReplicaFailed}
    assert database.replica is not None
    assert database.replica.is_usable
    await database.dispose()


@contextmanager
def promoted_standby(primary: Server) -> Iterator[Server]:
    """Yield another server that followed this one, and is a primary now."""
    with TemporaryDirectory(prefix="conduit-replica-", dir=TEMPORARY) as name:
        Path(name).chmod(0o755)
        promoted = primary.start_standby(Path(name, "promoted"))
        promoted.promote()
        yield promoted
        promoted.stop()


async def test_promoted_replica_is_not_read(servers: tuple[Server, Server]) -> None:
    primary, _ = servers
    with promoted_standby(primary) as promoted:
        database = Database(primary.url, DatabaseOptions(read_url=promoted.url))
        assert database.replica is not None
        await database.replica.measure()
        assert (database.replica.lag_seconds, database.replica.is_usable) == (None, False)
        await database.dispose()


async def test_lag_is_measured_anew_after_a_failover(servers: tuple[Server, Server]) -> None:
    """The position in the log of the new primary may be before that of the old one."""
    primary, standby = servers
    database = Database(primary.url, DatabaseOptions(read_url=standby.url))
    replica = database.replica
    assert replica is not None
    assert replica._lag(0.0, 1_100, 1_100, 0.0) == 0
    assert replica._lag(1.0, 1_000, 1_000, 0.0) == 0
    assert replica._lag(2.0, 1_200, 1_000, 0.0) == 1
    await database.dispose()
