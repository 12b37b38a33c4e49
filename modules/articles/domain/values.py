"""The values that an article is made of. Each checks itself; one that exists is valid."""

import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from slugify import slugify

from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.text import Length, multiline, single_line

# Slugs that are routes: GET /api/articles/feed is not an article.
RESERVED_SLUGS = frozenset({"feed"})
# What an article is called whose title has nothing to make a slug of, such as one of emoji only.
FALLBACK_SLUG = "article"
MAX_STEM_LENGTH = 100
SUFFIX_ALPHABET = string.ascii_lowercase + string.digits
SUFFIX_LENGTH = 8
MAX_SLUG_ATTEMPTS = 5
MAX_TAGS = 30


@dataclass(frozen=True, slots=True)
class Title:
    """An article's title: one line."""

    LENGTH: ClassVar = Length(1, 250)

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", single_line("title", self.text, max_length=self.LENGTH.max))

    def slugs(self) -> Iterator[str]:
        """Yield slugs for this title, each to be tried when those before are taken.

        The first is the title itself, in letters that need no escaping in a URL; the others end in
        chance, 41 bits of it, so that the second is free for all that is ever likely.
        """
        stem = slugify(self.text, max_length=MAX_STEM_LENGTH, word_boundary=True) or FALLBACK_SLUG
        if stem not in RESERVED_SLUGS:
            yield stem
        for _ in range(MAX_SLUG_ATTEMPTS):
            suffix = "".join(secrets.choice(SUFFIX_ALPHABET) for _ in range(SUFFIX_LENGTH))
            yield f"{stem}-{suffix}"


@dataclass(frozen=True, slots=True)
class Description:
    """What an article is about: one line."""

    LENGTH: ClassVar = Length(1, 1_000)

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", single_line("description", self.text, max_length=self.LENGTH.max))


@dataclass(frozen=True, slots=True)
class Body:
    """An article's text, in Markdown, kept as it was typed."""

    LENGTH: ClassVar = Length(1, 500_000)

    text: str

    def __post_init__(self) -> None:
        multiline("body", self.text, max_length=self.LENGTH.max)


@dataclass(frozen=True, slots=True)
class Tag:
    """A word that articles can be found by."""

    LENGTH: ClassVar = Length(1, 64)

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", single_line("tagList", self.text, max_length=self.LENGTH.max))


@dataclass(frozen=True, slots=True)
class TagList:
    """An article's tags, each once, in the order in which their author put them."""

    tags: tuple[Tag, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", tuple(dict.fromkeys(self.tags)))
        if len(self.tags) > MAX_TAGS:
            raise Invalid("tagList", f"has too many tags (at most {MAX_TAGS})")

    @property
    def texts(self) -> tuple[str, ...]:
        """The tags as text."""
        return tuple(tag.text for tag in self.tags)
