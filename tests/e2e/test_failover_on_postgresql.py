"""The primary is lost under load, and a synchronous standby promoted, as docs/running.md says."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import psycopg
import pytest

from tests.client import PASSWORD
from tests.conftest import SECRET
from tests.postgresql import TEMPORARY, Server, wait_until
from tests.program import conduit, served

pytestmark = pytest.mark.slow

CLIENTS = 4
ARTICLES = 60
"""How many are published before the failover, and again after it."""


class Load:
    """Clients that publish articles, and delete every other one, until they are stopped."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopped = threading.Event()
        self.statuses: Counter[int] = Counter()
        self.published: set[str] = set()
        """The titles of the articles whose publication was acknowledged."""

        self.deletions: set[str] = set()
        """The titles of those that were to be deleted."""

        self.deleted: set[str] = set()
        """The titles of those whose deletion was acknowledged."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests during the block; raise what a client raises."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            running = [clients.submit(self._run, number) for number in range(CLIENTS)]
            try:
                yield
            finally:
                self._stopped.set()
                for client in running:
                    client.result()

    def wait_for_articles(self) -> None:
        """Wait until more articles are published."""
        enough = len(self.published) + ARTICLES
        wait_until(lambda: len(self.published) >= enough, "no articles are published")

    def _run(self, number: int) -> None:
        account = {"username": f"user{number}", "email": f"user{number}@example.com", "password": PASSWORD}
        with httpx2.Client(base_url=self._url, timeout=30) as client:
            user = client.post("/api/users", json={"user": account}).raise_for_status().json()["user"]
            client.headers["Authorization"] = f"Token {user['token']}"
            count = 0
            while not self._stopped.is_set():
                count += 1
                title = f"Article {count} of {number}"
                article = {"title": title, "description": "d", "body": "b"}
                response = client.post("/api/articles", json={"article": article})
                self.statuses[response.status_code] += 1
                self.statuses[client.get("/api/articles").status_code] += 1
                if not response.is_success:
                    continue
                self.published.add(title)
                if count % 2:
                    self.deletions.add(title)
                    deletion = client.delete(f"/api/articles/{response.json()['article']['slug']}")
                    self.statuses[deletion.status_code] += 1
                    if deletion.is_success:
                        self.deleted.add(title)


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    """Return a primary and its synchronous standby."""
    with TemporaryDirectory(prefix="conduit-failover-", dir=TEMPORARY) as name:
        folder = Path(name)
        folder.chmod(0o755)
        primary = Server(folder / "primary")
        primary.start()
        standby = primary.start_standby(folder / "standby")
        with primary.connect() as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
        yield primary, standby
        for server in (primary, standby):
            server.stop()


def test_nothing_acknowledged_is_lost_and_all_other_requests_get_503(
    servers: tuple[Server, Server], tmp_path: Path
) -> None:
    primary, standby = servers
    hosts = f"{primary.folder},{standby.folder}"
    settings = {
        "DATABASE_URL": f"postgresql+psycopg://conduit@/postgres?host={hosts}&target_session_attrs=read-write",
        "SECRET_KEY": SECRET,
    }
    assert conduit(tmp_path, "migrate", **settings).returncode == 0
    with served(tmp_path, "--workers", "2", **settings) as server:
        load = Load(server.url)
        with load.running():
            load.wait_for_articles()
            primary.kill()
            standby.promote()
            load.wait_for_articles()
        with standby.connect() as connection:
            wait_until(lambda: pending_deliveries(connection) == 0, "deliveries are not handled")
            titles = {title for (title,) in connection.execute("SELECT title FROM articles_article")}
    assert load.statuses.keys() == {200, 201, 204, 503}
    assert load.published - load.deletions <= titles
    assert not load.deleted & titles


def pending_deliveries(connection: psycopg.Connection) -> int:
    """Return how many deliveries are not handled, and not dead."""
    [[number]] = connection.execute("SELECT count(*) FROM kernel_delivery WHERE due_at IS NOT NULL")
    return int(number)
