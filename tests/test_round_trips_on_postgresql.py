"""The round trips of operations between Conduit and PostgreSQL, counted in libpq's trace of the protocol."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
from psycopg.pq import Trace

from conduit_app.application import create_application
from tests.client import Api
from tests.conftest import AppInstance, composed
from tests.sql_recorder import StatementRecorder

# The first requests connect.
WARM_UP = 2
COMMENT = {"comment": {"body": "Nice"}}
ARTICLE = {"article": {"title": "Unicorns", "description": "d", "body": "b", "tagList": ["fire"]}}
# The statements and the round trips of each operation with a token, which one of the statements verifies.
# COMMIT is a round trip, too, where a unit of work has several statements. Nobody waits for that of a read. A
# statement whose rows nobody needs, or not yet, is sent with the next one.
COSTS = {
    "list": (4, 4),
    "list by tag": (4, 4),
    "list by author": (5, 5),
    "list by tag and author": (5, 5),
    "feed": (4, 5),
    "article": (4, 4),
    "comments": (3, 4),
    "profile": (3, 4),
    "user": (2, 2),
    "tags": (1, 1),
    "comment": (6, 6),
    "favorite": (9, 7),
    "publish": (11, 8),
}
OPERATIONS = {
    "list": ("GET", "/articles", None),
    "list by tag": ("GET", "/articles?tag=fire", None),
    "list by author": ("GET", "/articles?author=jake", None),
    "list by tag and author": ("GET", "/articles?tag=fire&author=jake", None),
    "feed": ("GET", "/articles/feed", None),
    "article": ("GET", "/articles/dragons", None),
    "comments": ("GET", "/articles/dragons/comments", None),
    "profile": ("GET", "/profiles/jake", None),
    "user": ("GET", "/user", None),
    "tags": ("GET", "/tags", None),
    "comment": ("POST", "/articles/dragons/comments", COMMENT),
    "favorite": ("POST", "/articles/dragons/favorite", None),
    "publish": ("POST", "/articles", ARTICLE),
}


class Traces:
    """The traces of the connections that are opened, one file for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[IO[bytes]] = []

    def trace(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Trace a connection from now on. libpq writes whole lines."""
        file = (self._folder / str(len(self._files))).open("wb")
        self._files.append(file)
        connection.pgconn.trace(file.fileno())
        connection.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)

    def round_trips(self) -> int:
        """Return how often the server (B) has replied to messages of the client (F)."""
        return sum(
            (before[0], after[0]) == ("F", "B")
            for file in self._files
            for before, after in pairwise(Path(file.name).read_text(encoding="utf-8").splitlines())
        )

    def close(self) -> None:
        """Close the files, after the connections."""
        for file in self._files:
            file.close()


@pytest.fixture
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    traces = Traces(tmp_path)
    connect = psycopg.AsyncConnection.connect

    async def connect_traced(*arguments: Any, **options: Any) -> psycopg.AsyncConnection[Any]:
        connection = await connect(*arguments, **options)
        traces.trace(connection)
        return connection

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", connect_traced)
    yield traces
    traces.close()


async def test_operations_on_postgresql_make_these_round_trips(
    postgresql_app: AppInstance, traces: Traces
) -> None:
    postgresql_app.empty()
    costs = {}
    # With the response cache, a GET takes one more, for the data version.
    settings = postgresql_app.settings.model_copy(
        update={"response_cache_size": 0, "database_isolates_modules": False}
    )
    async with composed(settings) as composition:
        api = Api(create_application(settings, composition))
        await api.as_user("jake").publish("Dragons", tags=["fire"])
        anna = api.as_user("anna")
        await anna.post("/profiles/jake/follow")
        recorder = StatementRecorder(composition.database)
        for name, (method, path, body) in OPERATIONS.items():
            for _ in range(WARM_UP):
                assert (await anna.request(method, path, json=body)).status_code in {200, 201}
            if name == "favorite":
                await anna.delete(path)
            recorder.statements.clear()
            before = traces.round_trips()
            await anna.request(method, path, json=body)
            costs[name] = (len(recorder.statements), traces.round_trips() - before)
    assert costs == COSTS
