"""A database with the names of before 1.0 migrates: nothing in it is lost, and every name is today's.

The scripts beside this file are dumps of such a database: the demonstration's users, an article of jake's
that was published with an idempotency key, a failed login and a dead delivery.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import inspect, text

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.migrations.runner import check_models, migrate
from modules.kernel.infrastructure.messaging.outbox_admin import DeliveryState
from tests import postgresql
from tests.client import Api
from tests.conftest import composed, settings_on

FOLDER = Path(__file__).parent
DRAGONS = (
    b'{"article":{"title":"How to train your dragon","description":"Ever wonder how?",'
    b'"body":"You have to believe.","tagList":["dragons","training"]}}'
)
RETIRED_TABLES = {
    "kernel_keyed_request",
    "users_attempt",
    "articles_author",
    "articles_tag_use",
    "articles_reader",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a database before its migration."""
    script = (FOLDER / f"database_before_1_0.{request.param}.sql").read_text(encoding="utf-8")
    if request.param == "sqlite":
        file = tmp_path / "conduit.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(script)
        yield f"sqlite+aiosqlite:///{file}"
    else:
        with postgresql.new_database() as url:
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(script.encode())
            yield url


@pytest.fixture
async def composition(url: str) -> AsyncIterator[Composition]:
    """Return Conduit on the migrated database."""
    async with composed(settings_on(url)) as composition:
        assert set(await migrate(composition.database, composition.migratable)) == {
            "kernel",
            "users",
            "articles",
        }
        yield composition


@pytest.fixture
async def api(composition: Composition, url: str) -> Api:
    """Return its API, with jake logged in."""
    anonymous = Api(create_application(settings_on(url), composition))
    login = {"user": {"email": "jake@example.com", "password": "correct horse"}}
    response = await anonymous.post("/users/login", login)
    assert response.status_code == 200, response.text
    return Api(
        create_application(settings_on(url), composition), {"jake": response.json()["user"]["token"]}
    ).as_user("jake")


async def test_tables_equal_the_models_and_no_table_has_its_old_name(composition: Composition) -> None:
    for module in composition.migratable:
        await check_models(composition.database, module)
    async with composition.database.connection() as connection:
        names = await connection.run_sync(lambda connection: set(inspect(connection).get_table_names()))
    assert not names & RETIRED_TABLES


async def test_articles_and_their_counts_are_read(api: Api) -> None:
    articles = (await api.get("/articles")).json()
    assert (len(articles["articles"]), articles["articlesCount"]) == (4, 4)
    by_jake = (await api.get("/articles?author=jake")).json()
    assert [article["slug"] for article in by_jake["articles"]] == ["how-to-train-your-dragon"]
    assert (await api.get("/articles?favorited=jake")).json()["articlesCount"] == 1
    assert {"dragons", "training"} <= set((await api.get("/tags")).json()["tags"])


async def test_an_idempotency_key_still_returns_the_stored_response(api: Api) -> None:
    headers = {"Idempotency-Key": "publish-dragon", "Content-Type": "application/json"}
    response = await api.request("POST", "/articles", content=DRAGONS, headers=headers)
    assert response.status_code == 201, response.text
    assert response.json()["article"]["createdAt"] == "2026-11-29T04:59:02.892Z"
    assert (await api.get("/articles")).json()["articlesCount"] == 4


async def test_login_attempts_still_count(composition: Composition) -> None:
    async with composition.database.snapshot() as session:
        counts = (await session.scalars(text("SELECT count FROM users_login_attempt"))).all()
    assert counts == [1, 1, 1]


async def test_a_dead_delivery_is_still_shown_with_its_last_error(composition: Composition) -> None:
    [delivery] = await composition.messaging.outbox_admin.oldest([DeliveryState.ORPHANED], 10)
    assert (delivery.event, delivery.attempts, delivery.last_error) == (
        "ArticlePublished",
        12,
        "LookupError: it failed",
    )
