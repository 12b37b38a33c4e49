"""README.md and the other documents agree with the code."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.main import get_group

from conduit_app.cli import main
from conduit_app.discovery import in_tree
from conduit_app.settings import Settings
from modules.kernel.infrastructure.settings import PREFIX, ModuleSettings
from modules.kernel.module import Module

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DIAGRAM = ROOT / "docs" / "architecture.svg"
FOLDERS = (".", "docs", "docs/decisions", "modules/*", "plugins/*")
DOCUMENTS = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.md"))
FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def path_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def rows(heading: str) -> Sequence[Sequence[str]]:
    """Return the rows of the table below a heading of README.md, without its header."""
    _, _, rest = README.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def default_cell(field: FieldInfo) -> str:
    """Return a default as an operator would set it."""
    value = field.default
    assert value is not PydanticUndefined
    if value is None or value == ():
        return "-"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    if isinstance(value, timedelta):
        return f"`{TypeAdapter(timedelta).dump_python(value, mode='json')}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def anchors(document: Path) -> Iterator[str]:
    """Yield the anchors of a document, as GitHub names them."""
    for heading in HEADING.findall(FENCED.sub("", document.read_text(encoding="utf-8"))):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_settings_table_has_every_setting() -> None:
    kinds: list[type[ModuleSettings]] = [
        Settings,
        *(module.settings for module in in_tree() if module.settings is not None),
    ]
    assert rows("Settings") == [
        [f"`{PREFIX}{name.upper()}`", default_cell(field), field.description]
        for kind in kinds
        for name, field in kind.model_fields.items()
    ]


def test_commands_table_has_every_command() -> None:
    commands = get_group(main).commands
    assert sorted(row[0] for row in rows("Commands")) == sorted(f"`conduit {name}`" for name in commands)


def test_diagram_shows_existing_modules_contracts_and_events() -> None:
    diagram = DIAGRAM.read_text(encoding="utf-8")
    shown = re.findall(r'class="name">(\w+)<', diagram)
    assert {"users", "profiles", "articles", "comments", "kernel", "conduit_app", "bookmarks"} == set(shown)
    modules = in_tree()
    contracts = {contract.__name__ for module in modules for contract in module.offers}
    events = {event.__name__ for module in modules for event in module.publishes}
    lines = set(re.findall(r'class="contract(?: event)?">(\w+)<', diagram))
    assert lines
    assert lines <= contracts | events


@pytest.mark.parametrize("document", DOCUMENTS, ids=path_id)
def test_links_of_document_exist(document: Path) -> None:
    text = FENCED.sub("", document.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("module", in_tree(), ids=lambda module: str(module.name))
def test_module_readme_names_its_tables_contracts_and_events(module: Module) -> None:
    page = (ROOT / "modules" / module.name / "README.md").read_text(encoding="utf-8")
    names = [
        *(module.schema.metadata.tables if module.schema else ()),
        *(contract.__name__ for contract in (*module.needs.values(), *module.offers)),
        *(event.__name__ for event in module.publishes),
        *(subscription.event.__name__ for subscription in module.subscriptions),
    ]
    assert [name for name in names if f"`{name}`" not in page] == []
