"""A client of the API, with a method for each action that sets up a test."""

from collections.abc import Mapping
from typing import Any

import httpx2
from fastapi import FastAPI

Json = dict[str, Any]

PASSWORD = "correct horse battery"


class Api:
    """Sends requests over ASGI, anonymously or as a user.

    `request` and the methods named after HTTP's return the response. The others fail unless it succeeds,
    and return the resource. Users are registered on first use, except those whose tokens are given.
    """

    def __init__(self, application: FastAPI, tokens: Mapping[str, str] | None = None) -> None:
        self.application = application
        transport = httpx2.ASGITransport(application, raise_app_exceptions=False)
        self._client = httpx2.AsyncClient(transport=transport, base_url="http://conduit.test")
        self._tokens = dict(tokens or {})
        self._user: str | None = None
        self.answers: list[httpx2.Response] = []

    def as_user(self, name: str) -> "Api":
        """Return a client that sends its requests as this user."""
        other = object.__new__(type(self))
        other.__dict__ = self.__dict__ | {"_user": name}
        return other

    async def token(self) -> str:
        """Return the user's token; register the user on first use."""
        assert self._user is not None
        if self._user not in self._tokens:
            user = {"username": self._user, "email": f"{self._user}@example.com", "password": PASSWORD}
            response = await self._client.post("/api/users", json={"user": user})
            assert response.status_code == 201, response.text
            self._tokens[self._user] = response.json()["user"]["token"]
        return self._tokens[self._user]

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request to a path below /api and return the response."""
        headers = httpx2.Headers(options.pop("headers", {}))
        if self._user is not None:
            headers.setdefault("Authorization", f"Token {await self.token()}")
        response = await self._client.request(method, f"/api{path}", headers=headers, **options)
        self.answers.append(response)
        return response

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        """Send a GET."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, json: object = None, **options: Any) -> httpx2.Response:
        """Send a POST."""
        return await self.request("POST", path, json=json, **options)

    async def put(self, path: str, json: object = None, **options: Any) -> httpx2.Response:
        """Send a PUT."""
        return await self.request("PUT", path, json=json, **options)

    async def delete(self, path: str, **options: Any) -> httpx2.Response:
        """Send a DELETE."""
        return await self.request("DELETE", path, **options)

    async def outside(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send an anonymous request to any path of the server."""
        return await self._client.request(method, path, **options)

    async def publish(
        self,
        title: str = "Dragons",
        *,
        description: str = "On dragons",
        body: str = "They fly.",
        tags: list[str] | None = None,
    ) -> Json:
        """Publish an article and return it."""
        article = {"title": title, "description": description, "body": body, "tagList": tags or []}
        return _of(await self.post("/articles", {"article": article}), 201, "article")

    async def comment(self, article: Json, body: str = "Nice") -> Json:
        """Comment on an article and return the comment."""
        response = await self.post(f"/articles/{article['slug']}/comments", {"comment": {"body": body}})
        return _of(response, 201, "comment")

    async def favorite(self, article: Json) -> Json:
        """Favorite an article and return it."""
        return _of(await self.post(f"/articles/{article['slug']}/favorite"), 200, "article")

    async def follow(self, username: str) -> Json:
        """Follow a user, register them if necessary, and return the profile."""
        await self.as_user(username).token()
        return _of(await self.post(f"/profiles/{username}/follow"), 200, "profile")


def next_page(response: httpx2.Response) -> str | None:
    """Return the path below /api of the page that `Link` refers to, or None on the last page."""
    if "next" not in response.links:
        return None
    url = response.url.join(response.links["next"]["url"])
    return url.raw_path.decode().removeprefix("/api")


def _of(response: httpx2.Response, status: int, key: str) -> Json:
    assert response.status_code == status, response.text
    value: Json = response.json()[key]
    return value
