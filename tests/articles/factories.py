"""Builders of articles."""

from datetime import datetime

from modules.articles.domain.article import Draft
from modules.articles.domain.values import Body, Description, Tag, TagList, Title
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import NOON

JAKE, ANNA, CARL = UserId(1), UserId(2), UserId(3)


def tags(*texts: str) -> TagList:
    """Return a list of these tags."""
    return TagList(tuple(Tag(text) for text in texts))


def draft(
    title: str = "Dragons",
    *,
    author_id: UserId = JAKE,
    tag_list: TagList | None = None,
    created_at: datetime = NOON,
) -> Draft:
    """Return a draft, by default of jake's."""
    description, body = Description("On dragons"), Body("They fly.")
    return Draft(author_id, Title(title), description, body, tag_list or tags(), created_at)
