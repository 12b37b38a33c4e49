"""PostgreSQL only: connection pools, replicas, and several processes on one database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from conduit_app.application import compose_from_settings, create_application
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings, SettingsError
from modules.kernel.infrastructure.persistence import database, engines
from modules.kernel.infrastructure.persistence.statements import prepare
from tests import postgresql
from tests.client import Api
from tests.conftest import SECRET, AppInstance, composed, settings_on
from tests.kernel.sample_table import in_another_request

pytestmark = pytest.mark.slow

RunningApp = tuple[Api, Composition]
Open = Callable[..., AbstractAsyncContextManager[RunningApp]]


@pytest.fixture
def app_instance(postgresql_app: AppInstance) -> AppInstance:
    """Return an application on PostgreSQL."""
    return postgresql_app


@pytest.fixture
def another(settings: Settings) -> Open:
    """Return a factory of applications on the same database, with some settings changed."""

    @asynccontextmanager
    async def open_another(**changes: object) -> AsyncIterator[RunningApp]:
        changed = settings.model_copy(update=changes)
        async with composed(changed) as composition:
            yield Api(create_application(changed, composition)), composition

    return open_another


@pytest.fixture
def nowhere(tmp_path: Path) -> str:
    """Return the URL of an unreachable server."""
    return f"postgresql+psycopg://conduit@/postgres?host={tmp_path}"


@pytest.fixture(scope="module")
async def lagging_replica() -> AsyncIterator[str]:
    """Return the URL of a replica that has replicated no rows."""
    with postgresql.new_database() as url:
        composition = compose_from_settings(settings_on(url))
        await migrate(composition.database, composition.migratable)
        await composition.database.dispose()
        yield url


@asynccontextmanager
async def occupied(session: AbstractAsyncContextManager[object]) -> AsyncIterator[None]:
    """Use a connection until the block ends."""
    async with session as connection:
        await connection.execute(text("SELECT 1"))  # type: ignore[attr-defined]
        yield


class TestConnections:
    async def test_exhausted_pool_returns_503_with_retry_after(
        self, another: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engines, "POOL_TIMEOUT_SECONDS", 0.01)
        user = {"user": {"username": "jake", "email": "jake@example.com", "password": "correct horse"}}
        async with another(database_pool_size=1) as (api, composition):
            async with occupied(composition.database.snapshot()):
                response = await in_another_request(api.get("/tags"))
            assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
            async with occupied(composition.database.transaction()):
                response = await in_another_request(api.post("/users", user))
                # Reads have their own pool.
                assert (await in_another_request(api.get("/tags"))).status_code == 200
            assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
            assert (await api.post("/users", user)).status_code == 201

    async def test_unreachable_server_is_reported_at_once(self, nowhere: str) -> None:
        settings = settings_on(nowhere)
        async with composed(settings) as composition:
            api = Api(create_application(settings, composition))
            async with asyncio.timeout(1):
                response = await api.get("/tags")
                ready = await api.outside("GET", "/health/ready")
                assert (await api.outside("GET", "/health/live")).status_code == 200
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert (ready.status_code, ready.json()) == (503, {"errors": {"database": ["does not answer"]}})


class TestReplica:
    """Another, empty database stands in for a replica that lags behind."""

    async def test_anonymous_reads_use_the_replica(self, another: Open, lagging_replica: str) -> None:
        async with another(database_read_url=lagging_replica) as (api, _):
            await api.as_user("jake").publish("Dragons")
            assert (await api.get("/articles")).json()["articlesCount"] == 0
            assert (await api.get("/articles/dragons")).status_code == 404

    async def test_authenticated_reads_use_the_primary_in_any_process(
        self, another: Open, lagging_replica: str
    ) -> None:
        async with another(database_read_url=lagging_replica) as (writer, _):
            await writer.as_user("jake").publish("Dragons")
            token = await writer.as_user("jake").token()
        async with another(database_read_url=lagging_replica) as (reader, _):
            response = await reader.get("/articles/dragons", headers={"Authorization": f"Token {token}"})
            assert response.status_code == 200

    async def test_writes_read_from_the_primary(self, another: Open, lagging_replica: str) -> None:
        async with another(database_read_url=lagging_replica) as (api, _):
            await api.as_user("jake").publish("Dragons")
            await api.as_user("anna").comment({"slug": "dragons"})
            user = {"user": {"email": "jake@example.com", "password": "correct horse battery"}}
            assert (await api.post("/users/login", user)).status_code == 200

    async def test_readiness_reads_from_the_primary(self, another: Open, nowhere: str) -> None:
        async with another(database_read_url=nowhere) as (api, _):
            assert (await api.outside("GET", "/health/ready")).status_code == 200

    async def test_reads_fall_back_to_the_primary_without_the_replica(
        self, another: Open, nowhere: str
    ) -> None:
        async with another(database_read_url=nowhere) as (api, _):
            await api.as_user("jake").publish("Dragons")
            assert (await api.get("/articles")).json()["articlesCount"] == 1

    @pytest.mark.parametrize(
        ("url", "problem"),
        [
            ("postgresql+psycopg://h/x?sslmod=require", 'invalid connection option "sslmod"'),
            ("sqlite+aiosqlite:///x.db", r"cannot use sqlite\+aiosqlite"),
        ],
    )
    @pytest.mark.parametrize("setting", ["database_read_url", "database_listen_url"])
    def test_invalid_other_url_is_named(
        self, settings: Settings, setting: str, url: str, problem: str
    ) -> None:
        with pytest.raises(SettingsError, match=f"^CONDUIT_{setting.upper()}: {problem}"):
            compose_from_settings(settings.model_copy(update={setting: url}))

    def test_replica_is_rejected_on_sqlite(self, tmp_path: Path, nowhere: str) -> None:
        settings = Settings(
            database_url=f"sqlite+aiosqlite:///{tmp_path}/conduit.db",
            database_read_url=nowhere,
            secret_key=SECRET,
        )
        with pytest.raises(SettingsError, match="only PostgreSQL has replicas"):
            compose_from_settings(settings)


class TestProcesses:
    """Changes by one process take effect in the next request to another."""

    async def test_token_revoked_in_one_process_is_rejected_by_all(self, another: Open) -> None:
        async with another() as (first, _), another() as (second, _):
            jake = {"Authorization": f"Token {await first.as_user('jake').token()}"}
            assert (await second.get("/user", headers=jake)).status_code == 200
            await first.post("/user/logout-all", headers=jake)
            assert (await second.get("/user", headers=jake)).status_code == 401

    async def test_change_by_another_process_is_returned_at_once(self, another: Open) -> None:
        async with another() as (first, _), another() as (second, _):
            await first.as_user("jake").publish("Dragons")
            assert (await first.get("/articles")).json()["articlesCount"] == 1
            await second.as_user("anna").publish("Unicorns")
            assert (await first.get("/articles")).json()["articlesCount"] == 2

    async def test_login_attempts_of_all_processes_are_counted(self, another: Open) -> None:
        wrong = {"user": {"email": "jake@example.com", "password": "not my pass phrase"}}
        async with another() as (first, _), another() as (second, _):
            await first.as_user("jake").token()
            statuses = [(await api.post("/users/login", wrong)).status_code for api in (first, second) * 6]
        assert statuses == [401] * 10 + [429] * 2


class TestServedModules:
    """Processes on one database, each serving some modules."""

    async def test_process_serves_its_modules_only(self, another: Open) -> None:
        async with (
            another(served_modules=("users", "articles")) as (writers, _),
            another(served_modules=("comments",)) as (comments, _),
        ):
            article = await writers.as_user("jake").publish("Dragons")
            anna = {"Authorization": f"Token {await writers.as_user('anna').token()}"}
            path = f"/articles/{article['slug']}/comments"
            response = await comments.post(path, {"comment": {"body": "Nice"}}, headers=anna)
            assert response.status_code == 201
            assert (await writers.get(path)).status_code == 404
            assert (await comments.get("/articles")).status_code == 404

    async def test_events_are_published_where_there_is_no_pg_notify(
        self, another: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on engines that speak PostgreSQL's protocol."""
        missing = select(func.has_function_privilege(func.to_regprocedure("pg_notifies(text)"), "EXECUTE"))
        monkeypatch.setattr(database, "MAY_NOTIFY", prepare(missing))
        async with another() as (api, _):
            await api.as_user("jake").publish("Dragons")
            await api.as_user("jake").delete("/articles/dragons")
            assert (await api.get("/articles")).json()["articlesCount"] == 0

    async def test_signals_without_the_right_to_notify_are_a_warning(
        self, another: Open, capsys: pytest.CaptureFixture[str]
    ) -> None:
        # The right of everybody; modules have roles of their own.
        change = "{} EXECUTE ON FUNCTION pg_notify(text, text) {} PUBLIC"
        async with another() as (_, composition):
            async with composition.database.transaction() as session:
                await session.execute(text(change.format("REVOKE", "FROM")))
            try:
                for _ in range(2):
                    async with composition.database.transaction():
                        await composition.messaging.signals.send("lamps")
            finally:
                async with composition.database.transaction() as session:
                    await session.execute(text(change.format("GRANT", "TO")))
        assert capsys.readouterr().err.count("notifications not permitted, other processes poll") == 1

    async def test_events_reach_modules_that_other_processes_serve(self, another: Open) -> None:
        async with (
            another(served_modules=("users", "articles")) as (writers, _),
            another() as (all_modules, _),
        ):
            article = await writers.as_user("jake").publish("Dragons")
            anna = {"Authorization": f"Token {await writers.as_user('anna').token()}"}
            path = f"/articles/{article['slug']}/comments"
            await all_modules.post(path, {"comment": {"body": "Nice"}}, headers=anna)
            await writers.as_user("jake").delete(f"/articles/{article['slug']}")
            await writers.as_user("jake").publish("Dragons")
            assert (await all_modules.get(path)).json() == {"comments": []}

    def test_unknown_module_cannot_be_served(self, settings: Settings) -> None:
        changed = settings.model_copy(update={"served_modules": ("articels",)})
        with pytest.raises(SettingsError, match="SERVED_MODULES: module articels is unknown or disabled"):
            create_application(changed)
