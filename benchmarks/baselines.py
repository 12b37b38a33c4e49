"""The baselines that Conduit's figures are compared with.

Each is one FastAPI route that returns the same bytes as Conduit, or writes to a copy of its database.
`BENCH_DATABASE` names the SQLite file, `BENCH_LISTING` a file with a prepared response body.
"""

import asyncio
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, Response

LIST = """
SELECT a.slug, a.title, a.description, a.tag_list, a.favorites_count, a.created_at, a.updated_at,
       u.username, u.bio, u.image
FROM articles_article a JOIN users_account u ON u.id = a.author_id
ORDER BY a.created_at DESC, a.id DESC LIMIT ? OFFSET ?
"""
COUNT = "SELECT count(*) FROM articles_article"

application = FastAPI()
_local = threading.local()


def _connection() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(os.environ["BENCH_DATABASE"], isolation_level=None)
        _local.connection.execute("PRAGMA synchronous=FULL")
        _local.connection.execute("PRAGMA busy_timeout=5000")
        _local.connection.execute("CREATE TABLE IF NOT EXISTS baseline (id INTEGER PRIMARY KEY, text TEXT)")
    connection: sqlite3.Connection = _local.connection
    return connection


_listing = Path(os.environ["BENCH_LISTING"]).read_bytes()


@application.get("/bare")
async def bare() -> Response:
    """Return prepared bytes."""
    return Response(_listing, media_type="application/json")


@application.get("/sqlite3")
async def sqlite3_list(limit: int = 20, offset: int = 0) -> Response:
    """Return the list by one joined query on the event-loop thread, and orjson."""
    connection = _connection()
    rows = connection.execute(LIST, (limit, offset)).fetchall()
    (count,) = connection.execute(COUNT).fetchone()
    return Response(
        orjson.dumps({"articles": [_article(row) for row in rows], "articlesCount": count}),
        media_type="application/json",
    )


def _article(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "slug": row[0],
        "title": row[1],
        "description": row[2],
        "tagList": orjson.loads(row[3]),
        "createdAt": row[5],
        "updatedAt": row[6],
        "favorited": False,
        "favoritesCount": row[4],
        "author": {"username": row[7], "bio": row[8], "image": row[9], "following": False},
    }


@application.post("/write")
async def write() -> Response:
    """Insert and commit one row in a thread."""
    await asyncio.to_thread(_insert)
    return Response(status_code=204)


def _insert() -> None:
    connection = _connection()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO baseline (text) VALUES ('one row')")
    connection.execute("COMMIT")
