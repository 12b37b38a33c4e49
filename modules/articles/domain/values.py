"""The value objects of articles. Each validates itself on construction."""

import secrets  # conduit: allow pure-domain: a taken slug gets a random suffix; no rule depends on its value
import string
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from slugify import slugify

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.text import MAX_TEXT_LENGTH, Length, multiline, require_max_length, single_line

# Slugs that are routes: GET /api/articles/feed is the feed.
RESERVED_SLUGS = frozenset({"feed"})
# The slug of a title without letters or digits, such as one of emoji only.
FALLBACK_SLUG = "article"
MAX_STEM_LENGTH = 100
SUFFIX_ALPHABET = string.ascii_lowercase + string.digits
SUFFIX_LENGTH = 8
MAX_SLUG_ATTEMPTS = 5
MAX_TAGS = 30
# Of a request, before duplicates are dropped: no more of its items are looked at.
MAX_SUBMITTED_TAGS = 100


def slug_stem(title: str) -> str:
    """Return the transliterated title, which needs no escaping in a URL and is never empty.

    Titles that differ in case, punctuation or accents only have the same stem.
    """
    # The library replaces an ASCII apostrophe by a hyphen, and removes the typographic one: remove both.
    stem = slugify(
        title.replace("'", ""),
        # A title is text: `&amp;` in it is no ampersand.
        entities=False,
        decimal=False,
        hexadecimal=False,
        max_length=MAX_STEM_LENGTH,
        word_boundary=True,
    )
    return stem or FALLBACK_SLUG


@dataclass(frozen=True, slots=True)
class Title:
    """An article's title: one line."""

    LENGTH: ClassVar = Length(1, 250)

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", single_line("title", self.text, max_length=self.LENGTH.max))

    def slugs(self) -> Iterator[str]:
        """Yield candidate slugs for this title, to be tried in order until one is free.

        The first is the stem of the title; the others end in a 41-bit random suffix.
        """
        stem = slug_stem(self.text)
        if stem not in RESERVED_SLUGS:
            yield stem
        for _ in range(MAX_SLUG_ATTEMPTS):
            suffix = "".join(secrets.choice(SUFFIX_ALPHABET) for _ in range(SUFFIX_LENGTH))
            yield f"{stem}-{suffix}"


@dataclass(frozen=True, slots=True)
class Description:
    """An article's summary: one line."""

    LENGTH: ClassVar = Length(1, 1_000)

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", single_line("description", self.text, max_length=self.LENGTH.max))


@dataclass(frozen=True, slots=True)
class Body:
    """An article's text in Markdown, stored verbatim."""

    LENGTH: ClassVar = Length(1, MAX_TEXT_LENGTH)

    text: str

    def __post_init__(self) -> None:
        multiline("body", self.text, max_length=self.LENGTH.max)


MAX_TAG_LENGTH = 64
# Of a tag in NFD (UAX #15). Longer text is no tag: normalizing combining marks takes quadratic time.
MAX_COMPARED_TAG_LENGTH = 4 * MAX_TAG_LENGTH


def tag_key(text: str) -> str:
    """Return the form in which tags are stored and compared: NFC, with letter case."""
    return unicodedata.normalize("NFC", text) if len(text) <= MAX_COMPARED_TAG_LENGTH else text


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of an article: one line, in NFC. Its length is limited in both forms."""

    LENGTH: ClassVar = Length(1, MAX_TAG_LENGTH)

    text: str

    def __post_init__(self) -> None:
        text = tag_key(single_line("tagList", self.text, max_length=self.LENGTH.max))
        object.__setattr__(self, "text", require_max_length("tagList", text, max_length=self.LENGTH.max))


@dataclass(frozen=True, slots=True)
class TagList:
    """An article's tags in their author's order, without duplicates."""

    tags: tuple[Tag, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", tuple(dict.fromkeys(self.tags)))
        if len(self.tags) > MAX_TAGS:
            raise Invalid("tagList", f"has too many tags (at most {MAX_TAGS})")

    @property
    def texts(self) -> tuple[str, ...]:
        """The tags as text."""
        return tuple(tag.text for tag in self.tags)
