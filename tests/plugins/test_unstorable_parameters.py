"""Text that cannot be stored is rejected in the URLs of every module, plugins included."""

import tomllib
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from conduit_app import discovery
from conduit_app.application import create_application
from conduit_app.migrations.runner import migrate
from tests.client import Api
from tests.conftest import composed, settings_on

PLUGINS = sorted((Path(__file__).parents[2] / "plugins").iterdir())
METHODS = {"get", "put", "post", "delete"}


@pytest.fixture
async def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Return a client of Conduit with every plugin."""
    entry_points = []
    for folder in PLUGINS:
        monkeypatch.syspath_prepend(folder)
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for name, value in project["entry-points"][discovery.ENTRY_POINTS].items():
            entry_points.append(EntryPoint(name, value, discovery.ENTRY_POINTS))
    monkeypatch.setattr(discovery, "entry_points", lambda **_group: entry_points)
    settings = settings_on(tmp_path / "conduit.db")
    async with composed(settings) as composition:
        await migrate(composition.database, composition.migratable)
        yield Api(create_application(settings, composition))


async def test_unstorable_text_is_rejected_in_every_text_parameter(api: Api) -> None:
    """PostgreSQL has no U+0000."""
    accepted, modules = [], set()
    document: dict[str, Any] = api.application.openapi()
    for path, operations in document["paths"].items():
        for method in METHODS & operations.keys():
            operation = operations[method]
            for parameter in operation.get("parameters", []):
                if parameter["in"] not in {"path", "query"} or parameter["schema"].get("type") != "string":
                    continue
                if parameter["name"] == "cursor":  # compared with its signature, and in no statement
                    continue
                query = f"?{parameter['name']}=%00" if parameter["in"] == "query" else ""
                bad_path = path.replace("{id}", "1").replace(f"{{{parameter['name']}}}", "%00")
                url = bad_path.removeprefix("/api").replace("{slug}", "how-to").replace("{username}", "jake")
                response = await api.as_user("jake").request(method.upper(), url + query)
                modules.add(operation["tags"][0])
                if response.status_code != 422 or "U+0000" not in response.text:
                    accepted.append(f"{method} {url}{query}: {response.status_code} {response.text}")
    assert accepted == []
    assert modules >= {"Articles", "Bookmarks", "Feeds", "Profile", "Search"}
