"""The contract of comments: what other modules may import."""

from dataclasses import dataclass

from modules.kernel.domain.events import Event

CONTRACT_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class CommentAdded(Event):
    """A user commented on an article."""

    article_id: int
    comment_id: int
    author_id: int
