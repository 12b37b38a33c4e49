"""The limits in docs/frontends.md are those of the value objects."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from modules.articles.domain.values import Body, Description, Tag, TagList, Title
from modules.comments.domain.comment import CommentBody
from modules.kernel.domain.errors import Invalid
from modules.users.domain.values import RESERVED_USERNAMES, Bio, Email, Image, Password, Username

SERVED = Path(__file__).parents[2] / "docs" / "openapi.json"
DOCUMENT = (Path(__file__).parents[2] / "docs" / "frontends.md").read_text(encoding="utf-8")
LIMITS = {
    field: (int(shortest), int(longest))
    for field, shortest, longest in re.findall(r"^\| (.+?) \| (\d+) \| (\d+) \|", DOCUMENT, re.MULTILINE)
}


def address(length: int) -> Email:
    """Return an address of this length, made of parts that are not too long themselves."""
    shortest, longest = "a@b.c", "@".join(["a" * 64, ".".join(["d" * 60] * 3 + ["example"])])
    return Email(shortest[:length] if length <= len(shortest) else longest[-length:])


MADE: Mapping[str, Callable[[int], object]] = {
    "`username`": lambda length: Username("u" * length),
    "`email`": address,
    "`password`": lambda length: Password("p" * length),
    "`bio`": lambda length: Bio("b" * length),
    "`image`": lambda length: Image("https://example.com/".ljust(length, "i") if length else ""),
    "`title`": lambda length: Title("t" * length),
    "`description`": lambda length: Description("d" * length),
    "`body` of an article": lambda length: Body("b" * length),
    "`tagList`": lambda number: TagList(tuple(Tag(f"tag{place}") for place in range(number))),
    "a tag": lambda length: Tag("t" * length),
    "`body` of a comment": lambda length: CommentBody("c" * length),
}


def test_every_value_has_its_row() -> None:
    assert LIMITS.keys() == MADE.keys()


@pytest.mark.parametrize("field", MADE)
def test_what_is_within_the_limits_can_be_made_and_what_is_beyond_cannot(field: str) -> None:
    make, (shortest, longest) = MADE[field], LIMITS[field]
    make(shortest)
    make(longest)
    for length in (longest + 1, *([shortest - 1] if shortest else [])):
        with pytest.raises(Invalid):
            make(length)


def test_the_served_document_has_the_same_limits() -> None:
    """Of all the bodies that are sent; `tagList` is a list, whose length is no number of characters."""
    schemas = json.loads(SERVED.read_text(encoding="utf-8"))["components"]["schemas"]
    kinds = {
        "`username`": ("NewUser", "username"),
        "`email`": ("UpdateUser", "email"),
        "`password`": ("NewUser", "password"),
        "`bio`": ("UpdateUser", "bio"),
        "`image`": ("UpdateUser", "image"),
        "`title`": ("NewArticle", "title"),
        "`description`": ("UpdateArticle", "description"),
        "`body` of an article": ("NewArticle", "body"),
        "`body` of a comment": ("NewComment", "body"),
    }
    said = {field: schemas[kind]["properties"][name] for field, (kind, name) in kinds.items()}
    said["a tag"] = schemas["NewArticle"]["properties"]["tagList"]["items"]
    lengths = {field: (schema["minLength"], schema["maxLength"]) for field, schema in said.items()}
    assert lengths == {field: limits for field, limits in LIMITS.items() if field != "`tagList`"}


def test_the_reserved_names_are_listed() -> None:
    listed = re.search(r"no reserved word \((.+?)\)", DOCUMENT)
    assert listed
    assert set(re.findall(r"`(\w+)`", listed[1])) == RESERVED_USERNAMES
