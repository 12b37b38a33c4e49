"""All operations with a request body, each with a valid one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.client import PASSWORD, Api, Json


@dataclass(frozen=True, slots=True)
class Write:
    """An operation with a body: its route, the key that wraps the fields, and valid fields.

    required: the fields that may not be absent.
    texts: the fields that may be neither null nor blank, nor anything but a string.
    """

    name: str
    method: str
    path: str
    key: str
    fields: Mapping[str, Any]
    required: tuple[str, ...]
    texts: tuple[str, ...]

    def body(self, **changes: object) -> Json:
        """Return the valid body with these changes."""
        return {self.key: {**self.fields, **changes}}

    async def send(self, api: Api, body: object, slug: str) -> httpx2.Response:
        """Send a body as jake, whose article has this slug."""
        return await self.send_raw(api, json.dumps(body).encode(), slug)

    async def send_raw(self, api: Api, content: bytes, slug: str) -> httpx2.Response:
        """Send raw content as JSON as jake, whose article has this slug."""
        path, headers = self.path.format(slug=slug), {"Content-Type": "application/json"}
        return await api.as_user("jake").request(self.method, path, content=content, headers=headers)

    def __str__(self) -> str:
        return self.name


_ANNA = {"username": "anna", "email": "anna@example.com", "password": PASSWORD}
_ARTICLE = {"title": "Knights", "description": "On knights", "body": "They ride.", "tagList": ["knights"]}

REGISTER = Write("register", "POST", "/users", "user", _ANNA, tuple(_ANNA), tuple(_ANNA))
LOG_IN = Write(
    "log in",
    "POST",
    "/users/login",
    "user",
    {"email": "jake@example.com", "password": PASSWORD},
    ("email", "password"),
    ("email", "password"),
)
UPDATE_USER = Write(
    "update user",
    "PUT",
    "/user",
    "user",
    {**_ANNA, "bio": "I write.", "image": "https://example.com/anna.png"},
    (),
    ("email", "username", "password"),
)
PUBLISH = Write(
    "publish",
    "POST",
    "/articles",
    "article",
    _ARTICLE,
    ("title", "description", "body"),
    ("title", "description", "body"),
)
UPDATE_ARTICLE = Write(
    "update article", "PUT", "/articles/{slug}", "article", _ARTICLE, (), ("title", "description", "body")
)
COMMENT = Write(
    "comment", "POST", "/articles/{slug}/comments", "comment", {"body": "Nice"}, ("body",), ("body",)
)

WRITES = (REGISTER, LOG_IN, UPDATE_USER, PUBLISH, UPDATE_ARTICLE, COMMENT)
