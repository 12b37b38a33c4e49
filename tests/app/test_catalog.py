"""`conduit catalog`: contracts and events with owners, versions and consumers."""

import json
import subprocess
from pathlib import Path

import pytest

from conduit_app.catalog import Catalog, CatalogFormat, EventConsumer, describe_catalog, render_catalog
from conduit_app.composition import Composition
from tests.program import TIMEOUT_SECONDS, conduit, require_program

PARSER = "@asyncapi/parser@3.6.6"
VALIDATE = """
const { Parser } = require("@asyncapi/parser");
const text = require("fs").readFileSync("asyncapi.json", "utf8");
new Parser().validate(text).then((problems) => console.log(JSON.stringify(problems)));
"""


@pytest.fixture
def catalog(composition: Composition) -> Catalog:
    return describe_catalog(composition)


def test_contract_has_its_version_methods_and_consumers(catalog: Catalog) -> None:
    [directory] = [contract for contract in catalog.contracts if contract.name == "UserDirectory"]
    assert (directory.module, directory.owner, directory.version) == ("users", "@conduit/users", "1.0")
    assert "lock(self, ids: Collection[UserId]) -> Collection[UserId]" in directory.methods
    assert directory.consumers == ["profiles"]


def test_event_has_its_payload_ordering_key_and_subscribers(catalog: Catalog) -> None:
    [deleted] = [event for event in catalog.events if event.name == "ArticlesDeleted"]
    assert (deleted.module, deleted.owner, deleted.schema_version) == ("articles", "@conduit/articles", 1)
    assert (deleted.ordering_key, [*deleted.payload["properties"]]) == (
        "author_id",
        ["author_id", "article_ids"],
    )
    assert deleted.consumers == [EventConsumer("comments", "in the publisher's transaction")]


def test_page_has_every_contract_and_event(catalog: Catalog) -> None:
    page = render_catalog(catalog, CatalogFormat.HTML)
    names = [contract.name for contract in catalog.contracts] + [event.name for event in catalog.events]
    assert [name for name in names if f"<strong>{name}</strong>" not in page] == []


@pytest.mark.parametrize("form", CatalogFormat)
def test_command_prints_the_catalog(tmp_path: Path, form: CatalogFormat) -> None:
    completed = conduit(tmp_path, "catalog", "--format", form.value)
    assert (completed.returncode, completed.stderr) == (0, "")
    if form is CatalogFormat.HTML:
        assert completed.stdout.startswith("<!DOCTYPE html>")
    else:
        assert "ArticlePublished" in str(json.loads(completed.stdout))


@pytest.mark.slow
@pytest.mark.parametrize("app_instance", ["sqlite"], indirect=True)
def test_events_are_a_valid_asyncapi_document(catalog: Catalog, tmp_path: Path) -> None:
    """By the official parser; there is none in Python."""
    npm, node = require_program("npm"), require_program("node")
    (tmp_path / "asyncapi.json").write_text(render_catalog(catalog, CatalogFormat.ASYNCAPI), encoding="utf-8")
    for command in ([npm, "install", "--no-audit", "--no-fund", "--silent", PARSER], [node, "-e", VALIDATE]):
        completed = subprocess.run(  # noqa: S603 - the parser, and our own document
            command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
        assert completed.returncode == 0, completed.stderr
    assert json.loads(completed.stdout) == []
