"""Articles that are about to exist, with only what a test is about said."""

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
    author: UserId = JAKE,
    tag_list: TagList | None = None,
    at: datetime = NOON,
) -> Draft:
    """Return an article that jake is about to publish."""
    return Draft(author, Title(title), Description("On dragons"), Body("They fly."), tag_list or tags(), at)
