"""What other modules may know of comments."""

from dataclasses import dataclass

from modules.kernel.domain.events import Event


@dataclass(frozen=True, slots=True)
class CommentAdded(Event):
    """A user has commented on an article."""

    article_id: int
    comment_id: int
    author_id: int
