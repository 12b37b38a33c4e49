"""What is PostgreSQL's alone: connections that are few or gone, replicas, processes that share work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from conduit_app.application import compose_from_settings, create_application
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings, SettingsError
from modules.kernel.infrastructure.persistence import postgresql as postgresql_engines
from tests import postgresql
from tests.client import Api
from tests.conftest import SECRET, AppInstance, composed, settings_on
from tests.kernel.sample_table import in_another_request

pytestmark = pytest.mark.slow

Opened = tuple[Api, Composition]
Open = Callable[..., AbstractAsyncContextManager[Opened]]


@pytest.fixture
def app_instance(postgresql_app: AppInstance) -> AppInstance:
    """Return what is tested here: PostgreSQL alone."""
    return postgresql_app


@pytest.fixture
def another(settings: Settings) -> Open:
    """Return what opens one more Conduit on the same database, with some settings changed."""

    @asynccontextmanager
    async def open_another(**changes: object) -> AsyncIterator[Opened]:
        changed = settings.model_copy(update=changes)
        async with composed(changed) as composition:
            yield Api(create_application(changed, composition)), composition

    return open_another


@pytest.fixture
def nowhere(tmp_path: Path) -> str:
    """Return the URL of a server that is not there."""
    return f"postgresql+psycopg://conduit@/postgres?host={tmp_path}"


@pytest.fixture(scope="module")
async def behind() -> AsyncIterator[str]:
    """Return the URL of a replica that nothing has come to yet."""
    with postgresql.new_database() as url:
        composition = compose_from_settings(settings_on(url))
        await migrate(composition.database, composition.migratable)
        await composition.database.dispose()
        yield url


@asynccontextmanager
async def occupied(session: AbstractAsyncContextManager[object]) -> AsyncIterator[None]:
    """Hold a connection for as long as the block lasts."""
    async with session as opened:
        await opened.execute(text("SELECT 1"))  # type: ignore[attr-defined]
        yield


class TestConnections:
    async def test_when_none_is_free_callers_are_soon_told_to_come_back(
        self, another: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgresql_engines, "POOL_TIMEOUT_SECONDS", 0.01)
        user = {"user": {"username": "jake", "email": "jake@example.com", "password": "correct horse"}}
        async with another(database_pool_size=1) as (api, composition):
            async with occupied(composition.database.snapshot()):
                answer = await in_another_request(api.get("/tags"))
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            async with occupied(composition.database.transaction()):
                answer = await in_another_request(api.post("/users", user))
                # Readers have connections of their own.
                assert (await in_another_request(api.get("/tags"))).status_code == 200
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert (await api.post("/users", user)).status_code == 201

    async def test_a_server_that_is_not_there_is_missed_at_once(self, nowhere: str) -> None:
        settings = settings_on(nowhere)
        async with composed(settings) as composition:
            api = Api(create_application(settings, composition))
            async with asyncio.timeout(1):
                answer = await api.get("/tags")
                ready = await api.outside("GET", "/health/ready")
                assert (await api.outside("GET", "/health/live")).status_code == 200
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert (ready.status_code, ready.json()) == (503, {"errors": {"database": ["does not answer"]}})


class TestReplica:
    """Another database stands for the replica: one that is behind for as long as a test needs."""

    async def test_who_sends_no_token_is_answered_by_it(self, another: Open, behind: str) -> None:
        async with another(database_read_url=behind) as (api, _):
            await api.as_user("jake").publish("Dragons")
            assert (await api.get("/articles")).json()["articlesCount"] == 0
            assert (await api.get("/articles/dragons")).status_code == 404

    async def test_who_has_written_reads_it_whichever_process_is_asked(
        self, another: Open, behind: str
    ) -> None:
        async with another(database_read_url=behind) as (wrote, _):
            await wrote.as_user("jake").publish("Dragons")
            token = await wrote.as_user("jake").token()
        async with another(database_read_url=behind) as (asked, _):
            answer = await asked.get("/articles/dragons", headers={"Authorization": f"Token {token}"})
            assert answer.status_code == 200

    async def test_what_is_written_depends_on_nothing_that_is_old(self, another: Open, behind: str) -> None:
        async with another(database_read_url=behind) as (api, _):
            await api.as_user("jake").publish("Dragons")
            await api.as_user("anna").comment({"slug": "dragons"})
            user = {"user": {"email": "jake@example.com", "password": "correct horse battery"}}
            assert (await api.post("/users/login", user)).status_code == 200

    async def test_the_probe_asks_the_database_itself(self, another: Open, nowhere: str) -> None:
        async with another(database_read_url=nowhere) as (api, _):
            assert (await api.outside("GET", "/health/ready")).status_code == 200

    async def test_while_it_is_away_the_database_answers_for_it(self, another: Open, nowhere: str) -> None:
        async with another(database_read_url=nowhere) as (api, _):
            await api.as_user("jake").publish("Dragons")
            assert (await api.get("/articles")).json()["articlesCount"] == 1

    def test_sqlite_has_none(self, tmp_path: Path, nowhere: str) -> None:
        settings = Settings(
            database_url=f"sqlite+aiosqlite:///{tmp_path}/conduit.db",
            database_read_url=nowhere,
            secret_key=SECRET,
        )
        with pytest.raises(SettingsError, match="only PostgreSQL has replicas"):
            compose_from_settings(settings)


class TestProcesses:
    """What one process knows, the next request to another one knows."""

    async def test_a_token_that_was_ended_in_one_is_good_in_none(self, another: Open) -> None:
        async with another() as (one, _), another() as (other, _):
            jake = {"Authorization": f"Token {await one.as_user('jake').token()}"}
            assert (await other.get("/user", headers=jake)).status_code == 200
            await one.put("/user", {"user": {"password": "another pass phrase"}}, headers=jake)
            assert (await other.get("/user", headers=jake)).status_code == 401

    async def test_an_answer_given_by_one_is_not_given_again_by_it_when_another_has_changed_it(
        self, another: Open
    ) -> None:
        async with another() as (one, _), another() as (other, _):
            await one.as_user("jake").publish("Dragons")
            assert (await one.get("/articles")).json()["articlesCount"] == 1
            await other.as_user("anna").publish("Unicorns")
            assert (await one.get("/articles")).json()["articlesCount"] == 2

    async def test_attempts_to_log_in_are_counted_together(self, another: Open) -> None:
        wrong = {"user": {"email": "jake@example.com", "password": "not my pass phrase"}}
        async with another() as (one, _), another() as (other, _):
            await one.as_user("jake").token()
            told = [(await api.post("/users/login", wrong)).status_code for api in (one, other) * 6]
        assert told == [401] * 10 + [429] * 2


class TestSharedWork:
    """Processes on one database, each answering for some modules."""

    async def test_each_answers_for_its_modules_alone(self, another: Open) -> None:
        async with (
            another(served_modules=("users", "articles")) as (writers, _),
            another(served_modules=("comments",)) as (talkers, _),
        ):
            article = await writers.as_user("jake").publish("Dragons")
            anna = {"Authorization": f"Token {await writers.as_user('anna').token()}"}
            path = f"/articles/{article['slug']}/comments"
            said = await talkers.post(path, {"comment": {"body": "Nice"}}, headers=anna)
            assert said.status_code == 201
            assert (await writers.get(path)).status_code == 404
            assert (await talkers.get("/articles")).status_code == 404

    async def test_what_happens_in_one_has_its_effects_in_modules_that_others_serve(
        self, another: Open
    ) -> None:
        async with (
            another(served_modules=("users", "articles")) as (writers, _),
            another() as (everybody, _),
        ):
            article = await writers.as_user("jake").publish("Dragons")
            anna = {"Authorization": f"Token {await writers.as_user('anna').token()}"}
            path = f"/articles/{article['slug']}/comments"
            await everybody.post(path, {"comment": {"body": "Nice"}}, headers=anna)
            await writers.as_user("jake").delete(f"/articles/{article['slug']}")
            await writers.as_user("jake").publish("Dragons")
            assert (await everybody.get(path)).json() == {"comments": []}

    def test_a_module_that_is_not_there_cannot_be_served(self, settings: Settings) -> None:
        changed = settings.model_copy(update={"served_modules": ("articels",)})
        with pytest.raises(SettingsError, match="SERVED_MODULES: there is no module articels"):
            create_application(changed)
