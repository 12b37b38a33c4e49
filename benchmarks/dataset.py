"""The fixed data set: 50 users, 500 articles of 2 KB, 30 tags, follows, favorites, comments."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from conduit_app.application import compose_from_settings, create_application
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings

TAGS = 30
BODY = "Markdown of an average length, as an author writes it. " * 37
PASSWORD = "password of the bench"  # noqa: S105 - of a user created for one run


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a data set."""

    users: int
    articles: int


FULL, SMALL = Size(50, 500), Size(4, 12)


@dataclass(frozen=True, slots=True)
class Dataset:
    """The tokens, slugs and list response of the data set."""

    tokens: Sequence[str]
    slugs: Sequence[str]
    listing: bytes


def prepare(database_url: str, secret: str, size: Size = FULL) -> Dataset:
    """Fill a new database through the API."""
    return asyncio.run(_prepare(database_url, secret, size))


async def _prepare(database_url: str, secret: str, size: Size) -> Dataset:
    settings = Settings(
        database_url=database_url,
        secret_key=secret,
        log_level="error",
        database_synchronous="NORMAL",
        audit_log=Path(os.devnull),
    )
    composition = compose_from_settings(settings)
    await migrate(composition.database, composition.migratable)
    transport = httpx2.ASGITransport(create_application(settings, composition))
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench") as client:
        tokens = [await _register(client, number) for number in range(size.users)]
        slugs = [await _publish(client, tokens, number) for number in range(size.articles)]
        await _connect(client, tokens, slugs)
        listing = (await client.get("/api/articles")).content
    await composition.database.dispose()
    return Dataset(tokens, slugs, listing)


async def _call(client: httpx2.AsyncClient, path: str, token: str | None, json: object = None) -> Any:
    headers = {"Authorization": f"Token {token}"} if token else {}
    response = await client.post(f"/api{path}", json=json, headers=headers)
    response.raise_for_status()
    return response.json()


async def _register(client: httpx2.AsyncClient, number: int) -> str:
    user = {"username": f"writer{number}", "email": f"writer{number}@example.com", "password": PASSWORD}
    token: str = (await _call(client, "/users", None, {"user": user}))["user"]["token"]
    return token


async def _publish(client: httpx2.AsyncClient, tokens: Sequence[str], number: int) -> str:
    article = {
        "title": f"What article {number} is about",
        "description": "A description of an average length",
        "body": BODY,
        "tagList": [f"tag{(number + step) % TAGS}" for step in (0, 7, 11)],
    }
    slug: str = (await _call(client, "/articles", tokens[number % len(tokens)], {"article": article}))[
        "article"
    ]["slug"]
    return slug


async def _connect(client: httpx2.AsyncClient, tokens: Sequence[str], slugs: Sequence[str]) -> None:
    for number, token in enumerate(tokens):
        for step in range(1, min(11, len(tokens))):
            await _call(client, f"/profiles/writer{(number + step) % len(tokens)}/follow", token)
    for number, slug in enumerate(slugs):
        for step in range(3):
            await _call(client, f"/articles/{slug}/favorite", tokens[(number + step) % len(tokens)])
        for step in range(2 if number else 20):
            comment = {"comment": {"body": "A comment of an average length."}}
            await _call(client, f"/articles/{slug}/comments", tokens[(number + step) % len(tokens)], comment)
