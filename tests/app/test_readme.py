"""README.md and the documents beside it say what is so."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from conduit_app.cli import main
from conduit_app.discovery import in_tree
from conduit_app.settings import Settings
from modules.kernel.infrastructure.settings import PREFIX, ModuleSettings
from modules.kernel.module import Module

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "architecture.svg"
FOLDERS = (".", "docs", "docs/decisions", "modules/*", "plugins/*")
DOCUMENTS = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.md"))
FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def rows(heading: str) -> Sequence[Sequence[str]]:
    """Return the rows of the table below a heading of README.md, without its titles."""
    _, _, rest = README.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def told(field: FieldInfo) -> str:
    """Return a default as somebody would set it."""
    value = field.default
    assert value is not PydanticUndefined
    if value is None or value == ():
        return "-"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    if isinstance(value, timedelta):
        return f"`{TypeAdapter(timedelta).dump_python(value, mode='json')}`"
    return f"`{value}`"


def anchors(document: Path) -> Iterator[str]:
    """Yield what links may lead to within a document, as GitHub names it."""
    for heading in HEADING.findall(FENCED.sub("", document.read_text(encoding="utf-8"))):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_table_of_settings_is_that_of_the_settings_classes() -> None:
    kinds: list[type[ModuleSettings]] = [
        Settings,
        *(module.settings for module in in_tree() if module.settings is not None),
    ]
    assert rows("Settings") == [
        [f"`{PREFIX}{name.upper()}`", told(field), field.description]
        for kind in kinds
        for name, field in kind.model_fields.items()
    ]


def test_the_table_of_commands_has_every_command() -> None:
    commands = [
        command.name or command.callback.__name__ for command in main.registered_commands if command.callback
    ]
    commands += [str(group.name) for group in main.registered_groups]
    assert sorted(row[0] for row in rows("Commands")) == sorted(f"`conduit {name}`" for name in commands)


def test_the_picture_shows_the_house_and_no_contract_or_event_that_is_not_there() -> None:
    picture = PICTURE.read_text(encoding="utf-8")
    shown = re.findall(r'class="name">(\w+)<', picture)
    assert {"users", "profiles", "articles", "comments", "kernel", "conduit_app", "bookmarks"} == set(shown)
    modules = in_tree()
    contracts = {contract.__name__ for module in modules for contract in module.offers}
    events = {event.__name__ for module in modules for event in module.publishes}
    lines = set(re.findall(r'class="contract(?: event)?">(\w+)<', picture))
    assert lines
    assert lines <= contracts | events


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
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
def test_the_page_of_a_module_names_its_tables_contracts_and_events(module: Module) -> None:
    page = (ROOT / "modules" / module.name / "README.md").read_text(encoding="utf-8")
    known = [
        *(module.schema.metadata.tables if module.schema else ()),
        *(contract.__name__ for contract in (*module.needs.values(), *module.offers)),
        *(event.__name__ for event in module.publishes),
        *(subscription.event.__name__ for subscription in module.subscriptions),
    ]
    assert [name for name in known if f"`{name}`" not in page] == []
