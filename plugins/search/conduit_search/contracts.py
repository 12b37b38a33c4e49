"""The contracts of search."""

from dataclasses import dataclass

from modules.kernel.domain.events import Event

CONTRACT_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class RenamedAuthorIndexed(Event):
    """The articles of a renamed author up to this one were indexed again; search indexes the next ones."""

    # First, as the aggregate: the deliveries of others are handled between two batches.
    last_article_id: int
    author_id: int
