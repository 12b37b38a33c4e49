"""The measured operations, what each is compared with, and its targets."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.dataset import TAGS, Dataset

QUERY, BARE, INSERT = "one joined sqlite3 query", "bare route", "one durable insert"
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
MAX_P99_TO_P50 = 5
MAX_GROWTH = 1.3
MIXED_REQUESTS = 5_000
COMMENT = '{"comment": {"body": "Well."}}'
# wrk replaces NUMBER by one that no other request has.
ARTICLE = '{"article": {"title": "Load NUMBER", "description": "d", "body": "b", "tagList": ["tag1"]}}'


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is sent under load."""

    path: str
    method: str = "GET"
    token: str = ""
    body: str = ""


Requests = Callable[[Dataset], Sequence[Request]]


@dataclass(frozen=True, slots=True)
class Operation:
    """The requests of an operation, sent in turn; its baseline, and its targets on both engines.

    A target is the smallest ratio of the baseline's CPU time to that of Conduit's process.
    """

    baseline: str
    sqlite: float
    postgresql: float | None
    requests: Requests

    def target(self, engine: str) -> float | None:
        """Return the target on an engine, or None if there is none."""
        return self.sqlite if engine == SQLITE else self.postgresql


def _get(path: str) -> Requests:
    return lambda _: [Request(path)]


def _get_with_token(path: str) -> Requests:
    return lambda dataset: [Request(path, token=dataset.tokens[0])]


# Reads and writes are of different articles, so that no read becomes slower during a run.
def _read(dataset: Dataset) -> Sequence[str]:
    return dataset.slugs[: len(dataset.slugs) // 2]


def _written(dataset: Dataset) -> Sequence[str]:
    return dataset.slugs[len(dataset.slugs) // 2 :]


# Writes are of many articles, because those of one wait for its row lock.
def comments(dataset: Dataset) -> Sequence[Request]:
    """Return requests that comment on articles."""
    return [Request(_comments(slug), "POST", dataset.tokens[0], COMMENT) for slug in _written(dataset)]


def _favorites(dataset: Dataset) -> Sequence[Request]:
    """Return requests that change something each, except the first ones after an incomplete round."""
    slugs, token = _written(dataset)[:32], dataset.tokens[0]
    return [Request(_favorite(slug), method, token) for method in ("POST", "DELETE") for slug in slugs]


def _article(slug: str) -> str:
    return f"/api/articles/{slug}"


def _comments(slug: str) -> str:
    return f"{_article(slug)}/comments"


def _favorite(slug: str) -> str:
    return f"{_article(slug)}/favorite"


OPERATIONS: Mapping[str, Operation] = {
    "list": Operation(QUERY, 0.5, 0.35, _get("/api/articles")),
    "list with token": Operation(QUERY, 0.5, 0.35, _get_with_token("/api/articles")),
    "list by tag": Operation(QUERY, 0.5, 0.35, _get("/api/articles?tag=tag3")),
    "list by author": Operation(QUERY, 0.5, 0.35, _get("/api/articles?author=writer3")),
    "feed": Operation(QUERY, 0.4, 0.25, _get_with_token("/api/articles/feed")),
    "article": Operation(BARE, 0.35, 0.3, lambda dataset: [Request(_article(dataset.slugs[1]))]),
    "comments": Operation(BARE, 0.3, 0.2, lambda dataset: [Request(_comments(dataset.slugs[0]))]),
    "profile": Operation(BARE, 0.35, 0.3, _get("/api/profiles/writer3")),
    "current user": Operation(BARE, 0.35, 0.3, _get_with_token("/api/user")),
    "tags": Operation(BARE, 0.35, None, _get("/api/tags")),
    "comment on": Operation(INSERT, 0.6, 0.45, comments),
    "favorite": Operation(INSERT, 0.6, 0.45, _favorites),
    "publish": Operation(
        INSERT, 0.4, 0.3, lambda dataset: [Request("/api/articles", "POST", dataset.tokens[0], ARTICLE)]
    ),
}
READS = [name for name, operation in OPERATIONS.items() if operation.baseline != INSERT]
BASELINES: Mapping[str, Requests] = {
    QUERY: _get("/sqlite3"),
    BARE: _get("/bare"),
    INSERT: lambda _: [Request("/write", "POST")],
}


def mixed(dataset: Dataset) -> Sequence[Request]:
    """Return the mixed workload: 90 % reads and 10 % writes by all users, half of the reads with a token.

    The articles, authors, tags and pages that are read follow Zipf's law: the nth has a probability
    proportional to 1/n. Those that are written are equally probable.
    """
    choose = random.Random(14)  # noqa: S311 - the same workload in each run

    def zipf(count: int) -> int:
        return choose.choices(range(count), [1 / rank for rank in range(1, count + 1)])[0]

    def slug() -> str:
        return _read(dataset)[zipf(len(_read(dataset)))]

    def author() -> str:
        return f"writer{zipf(len(dataset.tokens))}"

    def user() -> str:
        return choose.choice(dataset.tokens)

    def reader() -> str:
        return choose.choice([user(), ""])

    def written() -> str:
        return choose.choice(_written(dataset))

    def favorites() -> Iterator[Request]:
        while True:
            favorite = Request(_favorite(written()), "POST", user())
            yield favorite
            yield replace(favorite, method="DELETE")

    favorite = favorites()
    percent: Mapping[Callable[[], Request], int] = {
        lambda: Request(f"/api/articles?offset={20 * zipf(10)}", token=reader()): 20,
        lambda: Request(f"/api/articles?tag=tag{zipf(TAGS)}", token=reader()): 10,
        lambda: Request(f"/api/articles?author={author()}", token=reader()): 5,
        lambda: Request("/api/articles/feed", token=user()): 10,
        lambda: Request(_article(slug()), token=reader()): 20,
        lambda: Request(_comments(slug()), token=reader()): 10,
        lambda: Request(f"/api/profiles/{author()}", token=reader()): 5,
        lambda: Request("/api/user", token=user()): 5,
        lambda: Request("/api/tags"): 5,
        lambda: Request(_comments(written()), "POST", user(), COMMENT): 5,
        lambda: next(favorite): 4,
        lambda: Request("/api/articles", "POST", user(), ARTICLE): 1,
    }
    kinds = choose.choices(list(percent), list(percent.values()), k=MIXED_REQUESTS)
    return [request() for request in kinds]
