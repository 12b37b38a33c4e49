"""Who was told nothing sends again, and what they asked for is there once, wherever the program ended.

A longer run than that of every day:
CONDUIT_TEST_KILLS=20 pytest tests/security/test_idempotency_after_crash.py
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from tests import postgresql, program
from tests.client import PASSWORD
from tests.program import RunningServer, served

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("CONDUIT_TEST_KILLS", "2"))
WRITERS = 4
ACKNOWLEDGED_BEFORE_A_KILL = 20
USER = {"username": "jake", "email": "jake@example.com", "password": PASSWORD}


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the settings of a Conduit on a database on either engine, which is migrated."""
    settings = {"SECRET_KEY": "a secret of these tests, and of nobody else", "LOG_LEVEL": "error"}
    if request.param == "sqlite":
        assert program.conduit(tmp_path, "migrate", **settings).returncode == 0
        yield settings
        return
    with postgresql.new_database() as url:
        settings["DATABASE_URL"] = url
        assert program.conduit(tmp_path, "migrate", **settings).returncode == 0
        yield settings


def register(client: httpx2.Client) -> dict[str, str]:
    """Register jake, again each time, and return the header that says so."""
    response = client.post("/api/users", json={"user": USER}, headers={"Idempotency-Key": "jake"})
    assert response.status_code == 201, response.text
    return {"Authorization": f"Token {response.json()['user']['token']}"}


def publish(client: httpx2.Client, headers: dict[str, str], key: str) -> str:
    """Publish an article whose title is its key, and return the answer."""
    article = {"title": key, "description": "One of many", "body": "x", "tagList": ["one", "two"]}
    response = client.post(
        "/api/articles", json={"article": article}, headers=headers | {"Idempotency-Key": key}
    )
    assert response.status_code == 201, response.text
    return response.text


def test_every_key_has_made_one_article_after_kill_9_and_a_repeat(
    settings: dict[str, str], tmp_path: Path
) -> None:
    statements: set[str] = set()
    acknowledged: dict[str, str] = {}
    for kill in range(KILLS):
        with served(tmp_path, **settings) as conduit:
            _write_until_killed(conduit, f"{kill}", statements, acknowledged)
            assert conduit.wait() == -signal.SIGKILL
    assert len(statements) > len(acknowledged) >= KILLS * ACKNOWLEDGED_BEFORE_A_KILL
    with served(tmp_path, **settings) as conduit, conduit.client() as client:
        headers = register(client)
        for key in sorted(statements):
            response = publish(client, headers, key)
            assert response == acknowledged.get(key, response)
        assert client.get("/api/articles?author=jake").json()["articlesCount"] == len(statements)


def _write_until_killed(
    conduit: RunningServer, kill: str, statements: set[str], acknowledged: dict[str, str]
) -> None:
    """Let several publish at once, and kill the program while they wait for their answers."""
    enough = len(acknowledged) + ACKNOWLEDGED_BEFORE_A_KILL
    with conduit.client() as client:
        headers = register(client)

    def write(writer: int) -> None:
        # It ends with the connection, in the middle of whatever the server was doing.
        with suppress(httpx2.HTTPError), conduit.client() as client:
            for number in range(10_000):
                key = f"{kill}-{writer}-{number}"
                statements.add(key)
                acknowledged[key] = publish(client, headers, key)
                if len(acknowledged) >= enough:
                    conduit.signal(signal.SIGKILL)

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(write, range(WRITERS)))
