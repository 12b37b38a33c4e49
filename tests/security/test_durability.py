"""Acknowledged writes survive crashes and full disks (https://sqlite.org/atomiccommit.html).

A longer run: CONDUIT_TEST_KILLS=20 pytest tests/security/test_durability.py
"""

import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest

from tests import program
from tests.client import PASSWORD
from tests.program import RunningServer, served

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("CONDUIT_TEST_KILLS", "2"))
WRITERS = 4
ACKNOWLEDGED_BEFORE_A_KILL = 40
SETTINGS = {"SECRET_KEY": "a secret of these tests, and of nothing else", "LOG_LEVEL": "error"}
ANY_SIZE = resource.RLIM_INFINITY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a migrated database."""
    folder = tmp_path_factory.mktemp("durable")
    assert program.conduit(folder, "migrate", **SETTINGS).returncode == 0
    return folder


@pytest.fixture
def conduit(folder: Path) -> Iterator[RunningServer]:
    """Return a server in the folder."""
    with served(folder, **SETTINGS) as conduit:
        yield conduit


def signed_in(client: httpx2.Client) -> dict[str, str]:
    """Register jake, or log in, and return the Authorization header."""
    user = {"username": "jake", "email": "jake@example.com", "password": PASSWORD}
    response = client.post("/api/users", json={"user": user})
    if response.status_code == 409:
        response = client.post("/api/users/login", json={"user": user})
    assert response.is_success, response.text
    return {"Authorization": f"Token {response.json()['user']['token']}"}


def publish(client: httpx2.Client, headers: dict[str, str], title: str, size: int = 100) -> httpx2.Response:
    article = {"title": title, "description": "One of many", "body": "x" * size, "tagList": ["one", "two"]}
    return client.post("/api/articles", json={"article": article}, headers=headers)


def stored_slugs(folder: Path) -> set[str]:
    """Return the stored slugs; fail if the database is corrupt or its counts are wrong."""
    with closing(sqlite3.connect(folder / "var" / "conduit.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        slugs = {slug for (slug,) in connection.execute("SELECT slug FROM articles_article")}
        counted = connection.execute(
            "SELECT articles FROM articles_author_stats WHERE author_id = 0"
        ).fetchone()
        assert counted == (len(slugs),)
    return slugs


def test_acknowledged_writes_survive_sigkill_under_load(folder: Path) -> None:
    acknowledged: set[str] = set()
    for kill in range(KILLS):
        enough = len(acknowledged) + ACKNOWLEDGED_BEFORE_A_KILL
        with served(folder, **SETTINGS) as conduit:
            with conduit.client() as client:
                headers = signed_in(client)

            def write(
                writer: int,
                conduit: RunningServer = conduit,
                headers: dict[str, str] = headers,
                kill: int = kill,
                enough: int = enough,
            ) -> None:
                # Ends when the killed server drops the connection.
                with suppress(httpx2.HTTPError), conduit.client() as client:
                    for number in range(10_000):
                        response = publish(client, headers, f"No. {kill} {writer} {number}")
                        assert response.status_code == 201, response.text
                        acknowledged.add(response.json()["article"]["slug"])
                        if len(acknowledged) >= enough:
                            conduit.signal(signal.SIGKILL)

            with ThreadPoolExecutor(WRITERS) as threads:
                list(threads.map(write, range(WRITERS)))
            assert conduit.wait() == -signal.SIGKILL
        assert len(acknowledged) >= enough
        assert acknowledged <= stored_slugs(folder)


def test_full_disk_gets_503_and_reads_succeed(folder: Path, conduit: RunningServer) -> None:
    """RLIMIT_FSIZE simulates the full disk: the process's files cannot grow."""
    with conduit.client() as client:
        headers = signed_in(client)
        assert publish(client, headers, "Before").status_code == 201
        largest = max(file.stat().st_size for file in (folder / "var").iterdir())
        conduit.limit_files(largest + 100_000)
        acknowledged = {"before"}
        for number in range(30):
            response = publish(client, headers, f"Full {number}", size=50_000)
            if response.status_code != 201:
                break
            acknowledged.add(response.json()["article"]["slug"])
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert response.json() == {"errors": {"database": ["is not available"]}}
        for path in ("/api/articles", "/api/articles/before", "/api/tags", "/health/live"):
            assert client.get(path, headers=headers).status_code == 200
        conduit.limit_files(ANY_SIZE)
        after = publish(client, headers, "After", size=50_000)
        assert after.status_code == 201, after.text
    assert acknowledged | {"after"} <= stored_slugs(folder)
    assert "Traceback" not in conduit.log
