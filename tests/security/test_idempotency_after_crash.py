"""Repeated requests after a crash create each resource once, wherever the process was killed.

A longer run:
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
    """Return the settings of a migrated database on each of the two engines."""
    settings = {"SECRET_KEY": "a secret of these tests, and of nothing else", "LOG_LEVEL": "error"}
    if request.param == "sqlite":
        assert program.conduit(tmp_path, "migrate", **settings).returncode == 0
        yield settings
        return
    with postgresql.new_database() as url:
        settings["DATABASE_URL"] = url
        assert program.conduit(tmp_path, "migrate", **settings).returncode == 0
        yield settings


def register(client: httpx2.Client) -> dict[str, str]:
    """Register jake or repeat the registration, and return the Authorization header."""
    response = client.post("/api/users", json={"user": USER}, headers={"Idempotency-Key": "jake"})
    assert response.status_code == 201, response.text
    return {"Authorization": f"Token {response.json()['user']['token']}"}


def publish(client: httpx2.Client, headers: dict[str, str], key: str) -> str:
    """Publish an article titled like its key, and return the response body."""
    article = {"title": key, "description": "One of many", "body": "x", "tagList": ["one", "two"]}
    response = client.post(
        "/api/articles", json={"article": article}, headers=headers | {"Idempotency-Key": key}
    )
    assert response.status_code == 201, response.text
    return response.text


def test_each_key_creates_one_article_despite_sigkill(settings: dict[str, str], tmp_path: Path) -> None:
    sent_keys: set[str] = set()
    acknowledged: dict[str, str] = {}
    for kill in range(KILLS):
        with served(tmp_path, **settings) as conduit:
            _write_until_killed(conduit, f"{kill}", sent_keys, acknowledged)
            assert conduit.wait() == -signal.SIGKILL
    assert len(sent_keys) > len(acknowledged) >= KILLS * ACKNOWLEDGED_BEFORE_A_KILL
    with served(tmp_path, **settings) as conduit, conduit.client() as client:
        headers = register(client)
        for key in sorted(sent_keys):
            response = publish(client, headers, key)
            assert response == acknowledged.get(key, response)
        assert client.get("/api/articles?author=jake").json()["articlesCount"] == len(sent_keys)


def _write_until_killed(
    conduit: RunningServer, kill: str, sent_keys: set[str], acknowledged: dict[str, str]
) -> None:
    """Publish concurrently, and kill the server while it handles requests."""
    enough = len(acknowledged) + ACKNOWLEDGED_BEFORE_A_KILL
    with conduit.client() as client:
        headers = register(client)

    def write(writer: int) -> None:
        # Ends when the killed server drops the connection.
        with suppress(httpx2.HTTPError), conduit.client() as client:
            for number in range(10_000):
                key = f"{kill}-{writer}-{number}"
                sent_keys.add(key)
                acknowledged[key] = publish(client, headers, key)
                if len(acknowledged) >= enough:
                    conduit.signal(signal.SIGKILL)

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(write, range(WRITERS)))
