"""The largest inputs of every operation: the largest accepted one, and refused ones near the size limit.

`python -m tests.security.largest_inputs` prints what each of them costs.
"""

import asyncio
import gc
import itertools
import json
import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import insert, update

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from conduit_app.settings import DEFAULT_MAX_BODY_SIZE
from modules.articles.domain.article import Draft
from modules.articles.domain.values import MAX_TAGS, Body, Description, Tag, TagList, Title
from modules.comments.domain.comment import CommentBody
from modules.comments.infrastructure.tables import comments
from modules.kernel.domain.clock import SystemClock
from modules.kernel.domain.identity import UserId
from modules.users.domain.account import NewAccount
from modules.users.domain.values import Bio, Email, Image, Password, Username
from modules.users.infrastructure.tables import AccountRow
from tests.client import PASSWORD, Api, Json
from tests.conftest import composed, settings_on

# In bytes, just below the maximum size of a request body, and of one that is not mostly text.
LONG_TEXT = DEFAULT_MAX_BODY_SIZE - 100
LARGE = 1_040_000
# In characters: longer paths and queries are refused by the server, unread.
LONG_URL_PART = 7_000
ARTICLES = 100
COMMENTS = 600
TAGS = 1_100
READER, AUTHOR = "reader", "author"


@dataclass(frozen=True, slots=True)
class Input:
    """A request with a large input."""

    name: str
    method: str
    path: str
    user: str | None = None
    content: bytes = b""

    def __str__(self) -> str:
        return self.name

    async def send(self, api: Api) -> httpx2.Response:
        """Send the request and return its response."""
        caller = api if self.user is None else api.as_user(self.user)
        headers = {"Content-Type": "application/json"} if self.content else {}
        return await caller.request(self.method, self.path, content=self.content, headers=headers)


def text(length: int) -> str:
    """Return a text of this many characters, most of them of four bytes in UTF-8."""
    return "x" + "🐉" * (length - 1)


def body(key: str, **fields: object) -> bytes:
    # Escaped, as many libraries do by default: twelve bytes for each of most characters.
    return json.dumps({key: fields}).encode()


NEW_USER: Json = {
    "username": "u" * Username.LENGTH.max,
    "email": f"{'e' * 64}@{'d' * 60}.example.com",
    "password": text(Password.LENGTH.max),
}
CHANGES: Json = {"bio": text(10_000), "image": "https://example.com/" + "i" * 1_900, "password": PASSWORD}
ARTICLE: Json = {
    "title": text(Title.LENGTH.max),
    "description": text(Description.LENGTH.max),
    "body": text(Body.LENGTH.max),
    "tagList": [f"{number:02}{text(Tag.LENGTH.max - 2)}" for number in range(MAX_TAGS)],
}
COMMENT: Json = {"body": text(CommentBody.LENGTH.max)}
DELETION: Json = {"password": PASSWORD}
SLUG = f"/articles/{AUTHOR}-0"


def accepted_inputs() -> Iterator[Input]:
    """Yield the largest accepted input of each operation. Those that delete come last."""
    yield Input("CreateUser", "POST", "/users", content=body("user", **NEW_USER))
    login = {"email": f"{AUTHOR}@example.com", "password": PASSWORD}
    yield Input("Login", "POST", "/users/login", content=body("user", **login))
    yield Input("GetCurrentUser", "GET", "/user", AUTHOR)
    yield Input("UpdateCurrentUser", "PUT", "/user", AUTHOR, body("user", **CHANGES))
    yield Input("ExportCurrentUser", "GET", "/user/export", AUTHOR)
    yield Input("GetProfileByUsername", "GET", f"/profiles/{AUTHOR}", READER)
    yield Input("FollowUserByUsername", "POST", f"/profiles/{AUTHOR}/follow", READER)
    yield Input("UnfollowUserByUsername", "DELETE", f"/profiles/{AUTHOR}/follow", READER)
    yield Input("GetArticles", "GET", "/articles?limit=100", READER)
    yield Input("GetArticlesFeed", "GET", "/articles/feed?limit=100", READER)
    yield Input("CreateArticle", "POST", "/articles", READER, body("article", **ARTICLE))
    yield Input("GetArticle", "GET", SLUG, READER)
    yield Input("CreateArticleFavorite", "POST", f"{SLUG}/favorite", READER)
    yield Input("DeleteArticleFavorite", "DELETE", f"{SLUG}/favorite", READER)
    yield Input("GetArticleComments", "GET", f"{SLUG}/comments", READER)
    yield Input("CreateArticleComment", "POST", f"{SLUG}/comments", READER, body("comment", **COMMENT))
    yield Input("GetTags", "GET", "/tags")
    yield Input("UpdateArticle", "PUT", SLUG, AUTHOR, body("article", **(ARTICLE | {"title": f"{AUTHOR} 0"})))
    yield Input("DeleteArticleComment", "DELETE", f"{SLUG}/comments/1", AUTHOR)
    yield Input("DeleteArticle", "DELETE", f"/articles/{AUTHOR}-1", AUTHOR)
    yield Input("DeleteCurrentUser", "DELETE", "/user", AUTHOR, body("user", **DELETION))
    yield Input("LogOutEverywhere", "POST", "/user/logout-all", READER)


OPERATIONS_WITH_BODY = {
    "CreateUser": ("POST", "/users", None, "user", NEW_USER),
    "Login": ("POST", "/users/login", None, "user", DELETION),
    "UpdateCurrentUser": ("PUT", "/user", READER, "user", CHANGES | NEW_USER),
    "DeleteCurrentUser": ("DELETE", "/user", READER, "user", DELETION),
    "CreateArticle": ("POST", "/articles", READER, "article", ARTICLE),
    "UpdateArticle": ("PUT", SLUG, AUTHOR, "article", ARTICLE),
    "CreateArticleComment": ("POST", f"{SLUG}/comments", READER, "comment", COMMENT),
}
PATHS_WITH_TEXT = {
    "GetArticles tag": "/articles?tag=",
    "GetArticles author": "/articles?author=",
    "GetArticles cursor": "/articles?cursor=",
    "GetProfileByUsername": "/profiles/",
    "GetArticle": "/articles/",
}


def refused_bodies(operation: str) -> Iterator[Input]:
    """Yield hostile bodies near the size limit for an operation."""
    method, path, user, key, fields = OPERATIONS_WITH_BODY[operation]
    yield Input(f"{operation}: nested", method, path, user, b"[" * LARGE)
    # Texts are alike, and `test_input` has them all; lists are not.
    for field in [next(iter(fields)), *(field for field in fields if isinstance(fields[field], list))]:
        for kind, value in hostile_values().items():
            yield Input(f"{operation} {field}: {kind}", method, path, user, body(key, **{field: value}))


def long_texts() -> Iterator[Input]:
    """Yield a long text in each place of a URL that takes one."""
    for name, path in PATHS_WITH_TEXT.items():
        yield Input(f"{name}: marks", "GET", path + "%CC%81" * (LONG_URL_PART // 6))


def hostile_values() -> dict[str, Any]:
    """Return values near the size limit of a body, by kind."""
    return {
        "text": "x" * LONG_TEXT,
        # Normalizing a run of combining marks takes quadratic time.
        "marks": "a" + "\u0301\u0316" * (LONG_TEXT // 12 - 10),
        "numbers": [1] * (LARGE // 3),
        "objects": [{}] * (LARGE // 4),
        "names": {str(number): 0 for number in range(LARGE // 12)},
    }


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a request on the event loop's thread: seconds of its CPU time, and peak bytes of memory."""

    status: int
    response_bytes: int
    cpu_seconds: float
    memory_bytes: int


async def cost_of(large: Input, api: Api, *, memory: bool) -> Cost:
    """Send the input and return what it costs.

    The time includes that of the client, which is in the same thread. With `memory`, the peak is measured
    and the time, which tracing multiplies, is not; without it the other way round.
    """
    gc.collect()
    if memory:
        tracemalloc.start()
    started = time.thread_time()
    response = await large.send(api)
    cpu_seconds = 0.0 if memory else time.thread_time() - started
    peak = tracemalloc.get_traced_memory()[1] if memory else 0
    tracemalloc.stop()
    return Cost(response.status_code, len(response.content), cpu_seconds, peak)


async def fill(composition: Composition, api: Api) -> None:
    """Insert the largest articles, comments, tags and profiles that the operations above return."""
    users = composition.containers["users"]
    for name in (AUTHOR, READER):
        await api.as_user(name).token()
    author = (await users.directory().by_username({AUTHOR}))[AUTHOR].id
    writers = [author]
    async with composition.database.transaction() as session:
        for number in range(1, ARTICLES):
            name = f"{AUTHOR}{number}"
            account = await users.repository().add(
                NewAccount(Username(name), Email(f"{name}@example.com"), "no hash")
            )
            writers.append(account.id)
        profile = {"bio": Bio(text(10_000)).text, "image": Image(CHANGES["image"]).text}
        await session.execute(update(AccountRow).values(profile))
    for name in [AUTHOR, *(f"{AUTHOR}{number}" for number in range(1, ARTICLES))]:
        assert (await api.as_user(READER).post(f"/profiles/{name}/follow")).status_code == 200
    await _insert_articles(composition, writers)
    now = SystemClock().now()
    rows = [
        {"article_id": 1, "author_id": writers[n % ARTICLES], "body": COMMENT["body"], "created_at": now}
        for n in range(COMMENTS)
    ]
    async with composition.database.transaction() as session:
        await session.execute(insert(comments), rows)


async def _insert_articles(composition: Composition, writers: list[UserId]) -> None:
    """Insert two articles of the author, with slugs that the inputs name, and one of each other writer."""
    repository, now = composition.containers["articles"].repository(), SystemClock().now()
    title, description = Title(ARTICLE["title"]), Description(ARTICLE["description"])
    longest, short = Body(ARTICLE["body"]), Body("Lists have no bodies.")
    async with composition.database.transaction():
        for number, writer in enumerate([writers[0], *writers]):
            own = writer == writers[0]
            article = Draft(
                writer,
                Title(f"{AUTHOR} {number}") if own else title,
                description,
                longest if own else short,
                TagList(_tags(number * TAGS // ARTICLES)),
                now,
            )
            await repository.add(article)


def _tags(first: int) -> tuple[Tag, ...]:
    return tuple(Tag(f"{first + number}{text(60)}") for number in range(MAX_TAGS))


@asynccontextmanager
async def filled_app(folder: Path) -> AsyncIterator[tuple[Composition, Api]]:
    """Yield a filled database on SQLite, and a client of an application on it."""
    async with composed(settings_on(folder / "conduit.db")) as composition:
        await migrate(composition.database, composition.migratable)
        api = Api(create_application(settings_on(folder / "conduit.db"), composition))
        await fill(composition, api)
        yield composition, api


async def print_costs() -> None:
    """Print a table of what each input costs."""
    folder = Path(tempfile.mkdtemp())
    try:
        async with filled_app(folder) as (_, api):
            refused = itertools.chain.from_iterable(map(refused_bodies, OPERATIONS_WITH_BODY))
            for large in itertools.chain(refused, long_texts(), accepted_inputs()):
                time_cost = await cost_of(large, api, memory=False)
                memory_cost = await cost_of(large, api, memory=True)
                sys.stdout.write(
                    f"| {large} | {len(large.content)} | {time_cost.status} | {time_cost.response_bytes} "
                    f"| {time_cost.cpu_seconds * 1000:.0f} | {memory_cost.memory_bytes / 1e6:.1f} |\n"
                )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(print_costs())
