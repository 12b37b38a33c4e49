"""The OpenAPI document in parts: what is in which part, and the document that they compose."""

import json
from pathlib import Path
from typing import Any

from conduit_devtools.architecture.openapi_parts import compose, split
from conduit_devtools.checks.base import Base
from conduit_devtools.checks.snapshots import committed_document
from tests.architecture.test_base import git


def returns(schema: str) -> dict[str, Any]:
    """Return an operation whose response has this schema."""
    media = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"responses": {"200": {"content": {"application/json": media}}}}


SCHEMAS = {
    "Tags": {"items": {"$ref": "#/components/schemas/Tag"}},
    "Tag": {"type": "string"},
    "Error": {"type": "object"},
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/tags": {"get": returns("Tags"), "post": returns("Error")},
        "/notes": {"get": returns("Error")},
    },
    "components": {"schemas": SCHEMAS, "securitySchemes": {"Token": {}}},
}
OWNERS = {("/tags", "GET"): "articles", ("/tags", "POST"): "notes", ("/notes", "GET"): "notes"}


def test_part_has_the_operations_of_its_module_with_the_schemas_they_refer_to() -> None:
    parts = split(DOCUMENT, OWNERS, "kernel")
    assert {name: list(part["components"]["schemas"]) for name, part in parts.items()} == {
        "kernel": [],
        "articles": ["Tags", "Tag"],
        "notes": ["Error"],
    }
    assert parts["notes"]["paths"] == {
        "/tags": {"post": returns("Error")},
        "/notes": {"get": returns("Error")},
    }
    assert parts["kernel"]["openapi"] == "3.1.0"
    assert parts["kernel"]["components"]["securitySchemes"] == {"Token": {}}


def test_operation_without_a_module_is_in_the_remainder() -> None:
    assert split(DOCUMENT, {}, "kernel") == {"kernel": DOCUMENT}


def test_parts_compose_the_document_in_any_order() -> None:
    parts = list(split(DOCUMENT, OWNERS, "kernel").values())
    assert compose(parts) == compose(reversed(parts)) == DOCUMENT


def test_committed_document_is_that_of_the_base(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for name, part in split(DOCUMENT, OWNERS, "kernel").items():
        (tmp_path / "modules" / name).mkdir(parents=True)
        (tmp_path / "modules" / name / "openapi.json").write_text(json.dumps(part))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Split")
    (tmp_path / "modules" / "notes" / "openapi.json").unlink()
    assert committed_document(Base.find(tmp_path)) == DOCUMENT


def test_committed_document_was_one_file_before_the_split(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "openapi.json").write_text(json.dumps(DOCUMENT))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    assert committed_document(Base.find(tmp_path)) == DOCUMENT
