"""Counts and references stay exact under any concurrent operations of two workers, on both engines.

The long history runs for a minute. Five minutes from a seed of your choice:

    CONDUIT_TEST_HISTORY_SECONDS=300 CONDUIT_TEST_HISTORY_SEED=7 pytest -m slow tests/history
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from tests import postgresql, program
from tests.history.random_history import Outcome, RandomHistory
from tests.history.stored_facts import wrong_rows
from tests.postgresql import wait_until
from tests.program import RunningServer, served

PLUGINS = Path(__file__).parents[2] / "plugins"
INSTALLED = ("bookmarks", "notifications", "search")
SEED = int(os.environ.get("CONDUIT_TEST_HISTORY_SEED", "1"))
SECONDS = float(os.environ.get("CONDUIT_TEST_HISTORY_SECONDS", "60"))
# Of each client, in the short history.
OPERATIONS = 25
STARTED = re.compile(r"Started server process")
ERROR = re.compile(r'"level": "error"')


@dataclass(frozen=True)
class Service:
    """A server with two workers, its database and its folder."""

    server: RunningServer
    database_url: str
    folder: Path
    settings: dict[str, str]

    async def check(self, outcome: Outcome) -> None:
        """Fail unless all counts and references are exact after the events are handled."""
        with self.server.client() as client:
            wait_until(lambda: not _pending(client.get("/health/ready").json()), "events remain pending")
        doctor = program.conduit(self.folder, "doctor", **self.settings)
        report = {
            "failures": outcome.failures,
            "never succeeded": outcome.without_success,
            "wrong rows": wrong_rows(self.database_url),
            "doctor": doctor.stdout.splitlines() + doctor.stderr.splitlines(),
        }
        assert not any(report.values()), self._explain(outcome, report)
        assert doctor.returncode == 0

    def _explain(self, outcome: Outcome, report: Mapping[str, object]) -> str:
        lines = [f"seed {SEED}, {outcome.total} responses: {sorted(outcome.statuses.items())}"]
        lines += [f"{name}: {value}" for name, value in report.items() if value]
        # Errors, without the lines of requests.
        logged = (line for line in self.server.log.splitlines() if ERROR.search(line))
        return "\n".join([*lines, *islice(logged, 20)])


def _pending(ready: dict[str, dict[str, int]]) -> int:
    return ready["events"]["pending"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'conduit.db'}"
    else:
        with postgresql.new_database() as url:
            yield url


@pytest.fixture(scope="module")
def service(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Serve with all plugins that have tables, as if they were installed."""
    folder = tmp_path_factory.mktemp("served")
    for name in INSTALLED:
        program.write_metadata(folder, name, f"conduit_{name}")
    settings = {
        "DATABASE_URL": database_url,
        "DATABASE_SYNCHRONOUS": "NORMAL",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "info",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    with pytest.MonkeyPatch.context() as patch:
        path = os.pathsep.join([str(folder), *(str(PLUGINS / name) for name in INSTALLED)])
        patch.setenv("PYTHONPATH", path, prepend=os.pathsep)
        migrated = program.conduit(folder, "migrate", **settings)
        assert migrated.returncode == 0, migrated.stderr
        with served(folder, "--workers", "2", **settings) as server:
            for _ in range(2):
                server.wait_for_log(STARTED)
            yield Service(server, database_url, folder, settings)


async def test_short_history_leaves_exact_counts_and_references(service: Service) -> None:
    history = RandomHistory(service.server.url, SEED, with_bookmarks=True)
    await service.check(await history.run(operations=OPERATIONS))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
async def test_long_history_leaves_exact_counts_and_references(service: Service) -> None:
    history = RandomHistory(service.server.url, SEED, with_bookmarks=True)
    await service.check(await history.run(seconds=SECONDS))
