"""Two releases side by side on PostgreSQL behind nginx, while an upgrade is rolled out under load."""

import random
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import httpx2
import pytest

from conduit_app.migrations.schema_state import installed_revisions
from conduit_devtools.checks.base import Base
from modules.kernel.infrastructure.applied_revision_table import AppliedRevisionRow
from tests import postgresql, program
from tests.client import PASSWORD
from tests.nginx import Nginx
from tests.postgresql import wait_until
from tests.program import served

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PACKAGES = ("conduit_app", "modules")
CLIENTS = 3
REQUESTS = 60
"""The number of requests that are awaited in each state of the upgrade."""

PUBLISHED = re.compile("POST /api/articles ")

EXPAND = '''"""Whether a comment was edited, and its earlier texts."""

import sqlalchemy as sa
from alembic import op

revision = "9999_e2e0"
down_revision = {head!r}
phase = "expand"


def upgrade() -> None:
    op.add_column("comments_comment", sa.Column("edits", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_comments_comment_edits", "comments_comment", ["edits"])
    op.create_table("comments_edit", sa.Column("id", sa.BigInteger(), primary_key=True))
'''


class Load:
    """Clients that read and write until they are stopped."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopped = threading.Event()
        self._running: list[Future[None]] = []
        self.statuses: Counter[tuple[str, int]] = Counter()
        """How often each method had each status."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests during the block, or until `stop`; raise what a client raises."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            running = [clients.submit(self._run, number) for number in range(CLIENTS)]
            self._running += running
            try:
                yield
            finally:
                self._stopped.set()
                # Why no requests were served, if a client has failed.
                for client in running:
                    client.result()

    def stop(self) -> None:
        """Let the clients finish their last requests."""
        self._stopped.set()
        wait(self._running)

    def wait_for_requests(self) -> None:
        """Wait for more requests."""
        enough = self.statuses.total() + REQUESTS
        wait_until(lambda: self.statuses.total() >= enough, "no requests are served")

    def _run(self, number: int) -> None:
        choose = random.Random(number)  # noqa: S311 - of requests
        account = {"username": f"user{number}", "email": f"user{number}@example.com", "password": PASSWORD}
        with httpx2.Client(base_url=self._url, timeout=30) as client:
            user = client.post("/api/users", json={"user": account}).raise_for_status().json()["user"]
            client.headers["Authorization"] = f"Token {user['token']}"
            slug = ""
            while not self._stopped.is_set():
                article = {
                    "title": f"On {choose.random()}",
                    "description": "d",
                    "body": "b",
                    "tagList": ["t"],
                }
                kind = "publish" if not slug else choose.choice(["publish", "comment", "favorite", *READS])
                match kind:
                    case "publish":
                        response = client.post("/api/articles", json={"article": article})
                        slug = response.json()["article"]["slug"] if response.is_success else slug
                    case "comment":
                        body = {"comment": {"body": "Well."}}
                        response = client.post(f"/api/articles/{slug}/comments", json=body)
                    case "favorite":
                        response = client.post(f"/api/articles/{slug}/favorite")
                    case path:
                        response = client.get(path.format(slug=slug))
                self.statuses[response.request.method, response.status_code] += 1


READS = ("/api/articles", "/api/articles/{slug}", "/api/articles/{slug}/comments", "/api/user", "/api/tags")


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """Return a folder with the release before this one: the base of the change, from git."""
    folder = tmp_path / "previous"
    folder.mkdir()
    commit = Base.find(ROOT).commit
    archive = tmp_path / "previous.tar"
    git: list[str | Path] = ["git", "-C", ROOT, "archive", "--output", archive, commit, *PACKAGES]
    subprocess.run(git, check=True)  # noqa: S603 - with a commit of this repository
    with tarfile.open(archive) as packages:
        packages.extractall(folder, filter="data")
    if not (folder / AppliedRevisionRow.__module__.replace(".", "/")).with_suffix(".py").exists():
        pytest.skip("the release before this one does not know which newer tables it works on")
    return folder


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Return a folder with this release, and an expand step."""
    folder = tmp_path / "new"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    migrations = folder / "modules" / "comments" / "infrastructure" / "migrations"
    [head] = installed_revisions(migrations).heads
    (migrations / "9999_e2e0_edits.py").write_text(EXPAND.format(head=head), encoding="utf-8")
    return folder


def free_addresses() -> tuple[tuple[str, int], tuple[str, int]]:
    """Return two addresses of this machine on which nothing listens."""
    with socket.socket() as first, socket.socket() as second:
        for free in (first, second):
            free.bind(("127.0.0.1", 0))
        return first.getsockname(), second.getsockname()


def at(address: tuple[str, int]) -> Sequence[str]:
    """Return the options to serve at the address."""
    _, port = address
    return ["--port", str(port), "--workers", "2"]


def test_no_request_fails_while_an_upgrade_is_rolled_out(previous: Path, new: Path, tmp_path: Path) -> None:
    """By the steps of docs/running.md: the configuration of nginx stays the same."""
    proxied = tmp_path / "nginx"
    proxied.mkdir()
    nginx = Nginx(proxied, is_limited=False)
    load = Load(nginx.url)
    first, second = free_addresses()
    with postgresql.new_database() as url:
        settings = {"DATABASE_URL": url, "SECRET_KEY": token_hex(), "TRUSTED_PROXIES": "127.0.0.1"}
        assert program.conduit(previous, "migrate", **settings).returncode == 0
        with (
            nginx.running(first, second),
            served(previous, *at(first), **settings) as old,
            load.running(),
        ):
            load.wait_for_requests()
            migrated = program.conduit(new, "migrate", **settings)
            assert (migrated.returncode, "comments" in migrated.stderr) == (0, True), migrated.stderr
            load.wait_for_requests()
            with old.client() as client:
                assert client.get("/health/ready").status_code == 200
            with served(new, *at(second), **settings) as temporary:
                old.signal(signal.SIGTERM)
                assert old.wait() == 0
                temporary.wait_for_log(PUBLISHED)
                load.wait_for_requests()
                with served(new, *at(first), **settings) as upgraded:
                    upgraded.wait_for_log(PUBLISHED)
                    temporary.signal(signal.SIGTERM)
                    assert temporary.wait() == 0
                    load.wait_for_requests()
                    load.stop()
    assert {status for _, status in load.statuses if status >= 500} == set(), load.statuses
    assert load.statuses["POST", 201] > 0
    assert load.statuses["GET", 200] > 0
