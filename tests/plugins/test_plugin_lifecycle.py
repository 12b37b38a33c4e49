"""Installing, disabling and uninstalling a plugin: wheels, a clean environment, HTTP."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.client import PASSWORD
from tests.plugins.clean_environment import BOOKMARKS, ROOT, CleanEnvironment, build_wheels

pytestmark = pytest.mark.slow

ROUTES = {
    "GET /api/bookmarks",
    "POST /api/articles/{slug}/bookmark",
    "DELETE /api/articles/{slug}/bookmark",
}
NO_ROUTE = (404, {"errors": {"path": ["not found"]}})

Json = dict[str, Any]


def test_plugin_is_served_while_installed_and_enabled(tmp_path: Path) -> None:
    environment = CleanEnvironment(tmp_path, build_wheels(tmp_path, ROOT, BOOKMARKS))
    environment.conduit("migrate")
    description = _description(environment, "bookmarks")
    assert (description["version"], set(description["routes"]), description["tables"]) == (
        "1.0.0",
        ROUTES,
        ["bookmarks_bookmark"],
    )

    with environment.served() as served, served.client() as client:
        with_plugin = _get(client, "/openapi.json")
        anna = _register(client, "anna")
        dragons, wyverns = _publish(client, anna, "Dragons"), _publish(client, anna, "Wyverns")
        for slug in (dragons, wyverns):
            assert client.post(f"/api/articles/{slug}/bookmark", headers=anna).status_code == 200
        assert _reading_list(client, anna) == [wyverns, dragons]
        assert client.delete(f"/api/articles/{wyverns}", headers=anna).status_code == 204
        assert _reading_list(client, anna) == [dragons]
        articles = _get(client, "/api/articles")

    with environment.served(DISABLED_MODULES="bookmarks") as served, served.client() as client:
        disabled = _get(client, "/openapi.json")
        assert _get(client, "/api/bookmarks", anna) == NO_ROUTE
        assert _get(client, "/api/articles") == articles

    environment.pip("uninstall", "--yes", "conduit-bookmarks")
    with environment.served() as served, served.client() as client:
        without_plugin = _get(client, "/openapi.json")
        assert _get(client, "/api/bookmarks", anna) == NO_ROUTE
        assert _get(client, "/api/articles") == articles
        assert client.get("/health/ready").status_code == 200
        # The plugin's table remains, with a bookmark of this article, and does not prevent its deletion.
        assert client.delete(f"/api/articles/{dragons}", headers=anna).status_code == 204
        assert _rows(tmp_path / "var" / "conduit.db", "bookmarks_bookmark") == 1

    assert disabled == without_plugin
    assert _operations(with_plugin).items() >= _operations(without_plugin).items()
    assert _schemas(with_plugin).items() >= _schemas(without_plugin).items()
    assert _operations(with_plugin).keys() - _operations(without_plugin).keys() == ROUTES


def _description(environment: CleanEnvironment, name: str) -> Json:
    descriptions = json.loads(environment.conduit("modules", "--format", "json"))["modules"]
    return next(description for description in descriptions if description["name"] == name)


def _register(client: httpx2.Client, name: str) -> dict[str, str]:
    user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    response = client.post("/api/users", json={"user": user})
    return {"Authorization": f"Token {response.json()['user']['token']}"}


def _publish(client: httpx2.Client, author: dict[str, str], title: str) -> str:
    article = {"title": title, "description": f"On {title}", "body": "They fly."}
    response = client.post("/api/articles", json={"article": article}, headers=author)
    slug: str = response.json()["article"]["slug"]
    return slug


def _reading_list(client: httpx2.Client, reader: dict[str, str]) -> list[str]:
    status, body = _get(client, "/api/bookmarks", reader)
    assert (status, body["articlesCount"]) == (200, len(body["articles"]))
    return [article["slug"] for article in body["articles"]]


def _get(client: httpx2.Client, path: str, caller: dict[str, str] | None = None) -> tuple[int, Json]:
    response = client.get(path, headers=caller or {})
    return response.status_code, response.json()


def _operations(document: tuple[int, Json]) -> Json:
    paths: Json = document[1]["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def _schemas(document: tuple[int, Json]) -> Json:
    schemas: Json = document[1]["components"]["schemas"]
    return schemas


def _rows(file: Path, table: str) -> int:
    with closing(sqlite3.connect(file)) as connection:
        number: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own
    return number
