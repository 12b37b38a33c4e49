"""The contracts of search."""

from dataclasses import dataclass

from modules.kernel.domain.events import Event

CONTRACT_VERSION = "1.1"


@dataclass(frozen=True, slots=True)
class RenamedAuthorIndexed(Event):
    """The articles of a renamed author up to this one were indexed again; search indexes the next ones."""

    # First, as the aggregate: the deliveries of others are handled between two batches.
    last_article_id: int
    author_id: int


@dataclass(frozen=True, slots=True)
class PublicArticlesIndexed(Event):
    """Articles made public together were indexed up to this one; search indexes the remaining ones."""

    last_article_id: int
    remaining_ids: tuple[int, ...]
