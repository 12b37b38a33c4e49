"""Random concurrent operations over HTTP, from a seed: what each client does, and when, in its own order."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random

import httpx2

from tests.client import Json

CLIENTS = 8
# Few, so that most operations meet another one on the same rows.
PEOPLE = 8
ARTICLES = 12
TAGS = ("fire", "horn", "iron", "wings")
TIMEOUT_SECONDS = 60.0
# How often an operation must be drawn before it must have succeeded.
ENOUGH = 50


@dataclass
class Person:
    """A registered user, as the clients know them; another client may have deleted the account."""

    name: str
    password: str
    token: str
    address: str


@dataclass
class Outcome:
    """The statuses of the responses, by operation."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    """The responses that are no acceptable outcome of any race."""

    @property
    def total(self) -> int:
        """The number of responses."""
        return self.statuses.total()

    @property
    def without_success(self) -> Sequence[str]:
        """The operations that were tried often and never succeeded."""
        tried: Counter[str] = Counter()
        succeeded: Counter[str] = Counter()
        for (operation, status), number in self.statuses.items():
            tried[operation] += number
            succeeded[operation] += number if status < HTTPStatus.BAD_REQUEST else 0
        return [name for name, number in tried.items() if number >= ENOUGH and not succeeded[name]]


class RandomHistory:
    """Several clients that act as the same few people, on the same few articles."""

    def __init__(self, url: str, seed: int, *, with_bookmarks: bool) -> None:
        limits = httpx2.Limits(max_connections=4 * CLIENTS)
        self._http = httpx2.AsyncClient(base_url=f"{url}/api", timeout=TIMEOUT_SECONDS, limits=limits)
        self._seed = seed
        self._people: list[Person] = []
        self._articles: dict[str, Person] = {}
        """The authors of the articles, by slug."""

        self._comments: list[tuple[str, int, Person]] = []
        self._registered = 0
        self.outcome = Outcome()
        actions: dict[Callable[[Random, Person], Awaitable[object]], int] = {
            self._publish: 10,
            self._edit: 8,
            self._favorite: 24,
            self._unfavorite: 14,
            self._follow: 8,
            self._unfollow: 4,
            self._comment: 10,
            self._delete_comment: 4,
            self._delete_article: 5,
            self._leave: 5,
            self._log_out_everywhere: 1,
            self._change_password: 1,
            self._rename: 1,
        }
        if with_bookmarks:
            actions |= {self._bookmark: 8, self._delete_bookmark: 2}
        self._actions, self._weights = list(actions), list(actions.values())

    async def run(self, *, operations: int | None = None, seconds: float = float("inf")) -> Outcome:
        """Let each client perform this number of operations, or as many as it can in this time."""
        end = time.monotonic() + seconds
        async with self._http, asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(self._perform(Random(f"{self._seed} {number}"), operations, end))  # noqa: S311 - a schedule
        return self.outcome

    async def _perform(self, random: Random, operations: int | None, end: float) -> None:
        performed = 0
        while performed != operations and time.monotonic() < end:
            performed += 1
            if len(self._people) < PEOPLE:
                await self._register(random)
            if self._people:
                [act] = random.choices(self._actions, self._weights)
                await act(random, random.choice(self._people))

    async def _register(self, random: Random) -> None:
        self._registered += 1
        number = self._registered
        # Limits of an address must not end the history: each person has one.
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        person = Person(f"user{number}", f"correct horse {random.random()}", "", address)
        user = {"username": person.name, "email": f"{person.name}@example.com", "password": person.password}
        response = await self._send("register", person, "POST", "/users", {"user": user})
        if response.status_code == HTTPStatus.CREATED:
            person.token = response.json()["user"]["token"]
            self._people.append(person)

    async def _publish(self, random: Random, person: Person) -> None:
        if len(self._articles) >= ARTICLES:
            await self._edit(random, person)
            return
        article = {"title": f"About {random.choice(TAGS)}", "description": "One of many", "body": "Text"}
        body = {"article": {**article, "tagList": self._some_tags(random)}}
        response = await self._send("publish", person, "POST", "/articles", body)
        if response.status_code == HTTPStatus.CREATED:
            self._articles[response.json()["article"]["slug"]] = person

    async def _edit(self, random: Random, person: Person) -> None:
        if slug := self._slug_to_change(random, person):
            body: Json = {"article": {"body": f"Text {random.random()}", "tagList": self._some_tags(random)}}
            if random.random() < 0.2:
                body["article"]["title"] = f"More about {random.choice(TAGS)}"
            response = await self._send("edit", person, "PUT", f"/articles/{slug}", body)
            if response.status_code == HTTPStatus.OK:
                self._articles.pop(slug, None)
                self._articles[response.json()["article"]["slug"]] = person

    async def _favorite(self, random: Random, person: Person) -> None:
        await self._on_article("favorite", random, person, "POST", "favorite")

    async def _unfavorite(self, random: Random, person: Person) -> None:
        await self._on_article("unfavorite", random, person, "DELETE", "favorite")

    async def _bookmark(self, random: Random, person: Person) -> None:
        await self._on_article("bookmark", random, person, "POST", "bookmark")

    async def _delete_bookmark(self, random: Random, person: Person) -> None:
        await self._on_article("delete bookmark", random, person, "DELETE", "bookmark")

    async def _follow(self, random: Random, person: Person) -> None:
        path = f"/profiles/{random.choice(self._people).name}/follow"
        await self._send("follow", person, "POST", path)

    async def _unfollow(self, random: Random, person: Person) -> None:
        path = f"/profiles/{random.choice(self._people).name}/follow"
        await self._send("unfollow", person, "DELETE", path)

    async def _comment(self, random: Random, person: Person) -> None:
        if slug := self._slug(random):
            key = {"Idempotency-Key": str(random.random())} if random.random() < 0.3 else {}
            body = {"comment": {"body": "Nice"}}
            response = await self._send("comment", person, "POST", f"/articles/{slug}/comments", body, key)
            if response.status_code == HTTPStatus.CREATED:
                self._comments.append((slug, response.json()["comment"]["id"], person))

    async def _delete_comment(self, random: Random, _person: Person) -> None:
        if self._comments:
            slug, number, author = self._comments.pop(random.randrange(len(self._comments)))
            await self._send("delete comment", author, "DELETE", f"/articles/{slug}/comments/{number}")

    async def _delete_article(self, random: Random, person: Person) -> None:
        if slug := self._slug_to_change(random, person):
            response = await self._send("delete article", person, "DELETE", f"/articles/{slug}")
            if response.status_code == HTTPStatus.NO_CONTENT:
                self._articles.pop(slug, None)

    async def _leave(self, random: Random, person: Person) -> None:
        """Delete the account, while the same person and others go on."""
        meanwhile = [self._unfavorite, self._delete_article, self._favorite, self._comment, self._publish]
        other = random.choice(self._people)
        body = {"user": {"password": person.password}}
        async with asyncio.TaskGroup() as tasks:
            deletion = tasks.create_task(self._send("delete account", person, "DELETE", "/user", body))
            for act in random.sample(meanwhile, 3):
                tasks.create_task(act(random, person))
            tasks.create_task(self._send("follow", other, "POST", f"/profiles/{person.name}/follow"))
        response = deletion.result()
        if response.status_code == HTTPStatus.NO_CONTENT:
            self._remove(person)

    async def _log_out_everywhere(self, _random: Random, person: Person) -> None:
        await self._send("log out everywhere", person, "POST", "/user/logout-all")

    async def _change_password(self, random: Random, person: Person) -> None:
        password = f"another horse {random.random()}"
        response = await self._send(
            "change password", person, "PUT", "/user", {"user": {"password": password}}
        )
        if response.status_code == HTTPStatus.OK:
            person.password, person.token = password, response.json()["user"]["token"]

    async def _rename(self, random: Random, person: Person) -> None:
        name = f"{person.name}-{random.randrange(100)}"
        response = await self._send("rename", person, "PUT", "/user", {"user": {"username": name}})
        if response.status_code == HTTPStatus.OK:
            person.token = response.json()["user"]["token"]

    async def _on_article(
        self, operation: str, random: Random, person: Person, method: str, action: str
    ) -> None:
        if slug := self._slug(random):
            response = await self._send(operation, person, method, f"/articles/{slug}/{action}")
            if response.status_code == HTTPStatus.NOT_FOUND:
                self._articles.pop(slug, None)

    async def _send(  # noqa: PLR0917 - a request with its name and sender
        self,
        operation: str,
        person: Person,
        method: str,
        path: str,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send a request as this person; when the token is invalid, log in for the next ones."""
        token = person.token
        sent = {"X-Forwarded-For": person.address, **(headers or {})}
        if token:
            sent["Authorization"] = f"Token {token}"
        response = await self._http.request(method, path, json=body, headers=sent)
        self._record(operation, response)
        if "WWW-Authenticate" in response.headers and token == person.token:
            await self._log_in(person)
        return response

    async def _log_in(self, person: Person) -> None:
        user = {"email": f"{person.name}@example.com", "password": person.password}
        headers = {"X-Forwarded-For": person.address}
        response = await self._http.post("/users/login", json={"user": user}, headers=headers)
        self._record("log in", response)
        if response.status_code == HTTPStatus.OK:
            person.token = response.json()["user"]["token"]
        elif response.status_code == HTTPStatus.UNAUTHORIZED:
            self._remove(person)

    def _record(self, operation: str, response: httpx2.Response) -> None:
        self.outcome.statuses[operation, response.status_code] += 1
        # A 503 means that nothing was done, and that a retry is safe: the database was busy.
        acceptable = HTTPStatus.SERVICE_UNAVAILABLE
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and response.status_code != acceptable:
            self.outcome.failures.append(f"{operation}: {response.status_code} {response.text}")

    def _some_tags(self, random: Random) -> list[str]:
        return random.sample(TAGS, random.randint(0, len(TAGS)))

    def _slug(self, random: Random) -> str | None:
        return random.choice(list(self._articles)) if self._articles else None

    def _slug_to_change(self, random: Random, person: Person) -> str | None:
        """Return an article of this person, if there is one, or any."""
        own = [slug for slug, author in self._articles.items() if author is person]
        return random.choice(own) if own else self._slug(random)

    def _remove(self, person: Person) -> None:
        if person in self._people:
            self._people.remove(person)
