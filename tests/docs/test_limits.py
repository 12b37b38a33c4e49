"""Every string that a request can contain has a documented limit, and the limit is enforced.

The limits are documented in docs/frontends.md, or in the README of the module or plugin. The fields are those
of all request models, and the value objects all classes with a `LENGTH`.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

import modules
from modules.articles.domain.values import Tag, TagList
from modules.kernel.api.fields import RequestModel
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.text import Length
from modules.users.domain.values import RESERVED_USERNAMES, SubmittedSecret

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "frontends.md"
TABLE = re.compile(r"^\| field \| at least \| at most \|.*\n((?:\|.*\n)+)", re.MULTILINE)
ROW = re.compile(r"^\| (.+?) \| (\d+) \| (\d+) \|", re.MULTILINE)
# A login accepts any text; this maximum only bounds the cost of normalizing it.
UNDOCUMENTED: frozenset[type] = frozenset({SubmittedSecret})

Limits = tuple[int, int]


def letters(length: int) -> str:
    return "x" * length


def email(length: int) -> str:
    """Return an address of this length whose parts are within their own limits."""
    shortest, longest = "a@b.c", "@".join(["a" * 64, ".".join(["d" * 60] * 3 + ["example"])])
    return shortest[:length] if length <= len(shortest) else longest[-length:]


def image(length: int) -> str:
    return "https://example.com/".ljust(length, "i") if length else ""


# Text for the fields that do not accept just any letters.
TEXTS: Mapping[str, Callable[[int], str]] = {"`email`": email, "`image`": image}
# The pydantic models do not limit the length of lists, the domain does.
LISTS: Mapping[str, Callable[[int], object]] = {
    "`tagList`": lambda length: TagList(tuple(Tag(f"tag{number}") for number in range(length)))
}


@dataclass(frozen=True, eq=False)
class Field:
    """A string in a request model, or a list of strings."""

    package: str
    parent: str
    """The property of the request body that contains the field, such as `article`."""

    name: str
    kinds: frozenset[type]
    """The classes in its annotation: a value object, or `str`."""

    schema: Mapping[str, Any]
    """Of the string, or of the list's items."""

    in_list: bool
    adapter: TypeAdapter[Any]

    @property
    def page(self) -> Path:
        """The page with the limits of its module or plugin."""
        return page_of(self.package)

    @property
    def limits(self) -> Limits:
        """The limits in the OpenAPI document; fails for a string without a limit."""
        assert {"minLength", "maxLength"} <= self.schema.keys(), f"{self.package}: {self.name} has no limit"
        return self.schema["minLength"], self.schema["maxLength"]

    def label(self, others: Sequence["Field"]) -> str:
        """Return its row's label: qualified if another kind of field on the page has the same name."""
        if self.in_list:
            return f"a {' '.join(kind.__name__.lower() for kind in self.kinds)}"
        kinds = {field.kinds for field in others if (field.page, field.name) == (self.page, self.name)}
        article = "an" if self.parent[:1] in "aeiou" else "a"
        return f"`{self.name}` of {article} {self.parent}" if len(kinds) > 1 else f"`{self.name}`"

    def accepts(self, text: str) -> bool:
        """Return whether the request model accepts the text."""
        try:
            self.adapter.validate_python([text] if self.in_list else text)
        except ValidationError:
            return False
        return True


def fields_of(model: type[RequestModel], parent: str) -> Iterator[Field]:
    properties = model.model_json_schema()["properties"]
    for attribute, info in model.model_fields.items():
        name = info.alias or attribute
        items = properties[name].get("items")
        schema = items or properties[name]
        kinds = frozenset(classes_in(info.annotation))
        annotation: Any = Annotated[(info.annotation, *info.metadata, None)]
        adapter = TypeAdapter(annotation)
        for option in schema.get("anyOf", [schema]):
            if "string" in option.get("type", ()) and not {"enum", "format"} & option.keys():
                yield Field(package_of(model), parent, name, kinds, option, items is not None, adapter)


def classes_in(annotation: Any) -> Iterator[type]:
    """Yield the classes in an annotation such as `list[Annotated[Tag, ValueObject(Tag)]]`."""
    arguments = get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        yield from classes_in(arguments[0])
    elif arguments:
        for argument in arguments:
            yield from classes_in(argument)
    elif annotation is not type(None):
        yield annotation


def subclasses(model: type[RequestModel]) -> Iterator[type[RequestModel]]:
    for subclass in model.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


def package_of(kind: type) -> str:
    parts = kind.__module__.split(".")
    return ".".join(parts[:2]) if parts[0] == "modules" else parts[0]


def page_of(package: str) -> Path:
    """Return the README of a module or plugin if it has a table of limits, else the frontend guide."""
    in_tree = ROOT / package.replace(".", "/")
    folder = in_tree if in_tree.exists() else ROOT / "plugins" / package.removeprefix("conduit_")
    readme = folder / "README.md"
    return readme if readme.exists() and rows(readme) else GUIDE


def rows(page: Path) -> Mapping[str, Limits]:
    """Return the limits that a page documents."""
    tables = "".join(TABLE.findall(page.read_text(encoding="utf-8")))
    return {label: (int(least), int(most)) for label, least, most in ROW.findall(tables)}


@pytest.fixture(scope="module")
def packages() -> Iterator[Sequence[str]]:
    """Import the domain and the API of every module and plugin, and return their packages."""
    names = [f"modules.{found.name}" for found in pkgutil.iter_modules(modules.__path__) if found.ispkg]
    with pytest.MonkeyPatch.context() as patch:
        for folder in ROOT.glob("plugins/*/conduit_*/"):
            patch.syspath_prepend(folder.parent)
            names.append(folder.name)
        for name in names:
            for found in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
                if {"domain", "api"} & set(found.name.split(".")):
                    importlib.import_module(found.name)
        yield names


@pytest.fixture(scope="module")
def fields(packages: Sequence[str]) -> Sequence[Field]:
    """Return the strings and lists of strings of all request models."""
    models = [model for model in subclasses(RequestModel) if package_of(model) in packages]
    parents = {
        kind: info.alias or name
        for model in models
        for name, info in model.model_fields.items()
        for kind in classes_in(info.annotation)
    }
    found = [field for model in models for field in fields_of(model, parents.get(model, ""))]
    return [field for field in found if not field.kinds & UNDOCUMENTED]


def test_every_field_has_its_row_and_every_row_its_field(fields: Sequence[Field]) -> None:
    documented = {
        (page, label): limits
        for page in {GUIDE, *(field.page for field in fields)}
        for label, limits in rows(page).items()
    }
    found: dict[tuple[Path, str], Limits | None] = {}
    for field in fields:
        found[field.page, field.label(fields)] = field.limits
        if field.in_list:
            row = field.page, f"`{field.name}`"
            found[row] = documented.get(row)
    assert found == documented


def test_every_value_object_with_a_length_is_the_value_of_a_field(
    packages: Sequence[str], fields: Sequence[Field]
) -> None:
    value_objects = {
        kind
        for name, module in sys.modules.items()
        if name.startswith(tuple(f"{package}." for package in packages))
        for kind in vars(module).values()
        if isinstance(kind, type) and isinstance(vars(kind).get("LENGTH"), Length)
    }
    assert len(value_objects) > 10
    assert value_objects == UNDOCUMENTED.union(*(field.kinds for field in fields))


def test_text_within_the_limits_is_accepted_and_other_text_is_not(fields: Sequence[Field]) -> None:
    for field in fields:
        label = field.label(fields)
        least, most = rows(field.page)[label]
        text = TEXTS.get(label, letters)
        lengths = {least - 1: False, least: True, most: True, most + 1: False}
        accepted = {length: field.accepts(text(length)) for length in lengths if length >= 0}
        assert accepted == {length: lengths[length] for length in accepted}, label


def test_lists_within_the_limits_are_accepted_and_longer_ones_are_not(fields: Sequence[Field]) -> None:
    assert LISTS.keys() == {f"`{field.name}`" for field in fields if field.in_list}
    for label, make in LISTS.items():
        least, most = rows(GUIDE)[label]
        make(least)
        make(most)
        with pytest.raises(Invalid):
            make(most + 1)


def test_all_reserved_usernames_are_documented() -> None:
    words = re.search(r"no reserved word \((.+?)\)", GUIDE.read_text(encoding="utf-8"))
    assert words
    assert set(re.findall(r"`(\w+)`", words[1])) == RESERVED_USERNAMES
