"""What bookmarked articles look like on the wire: as in every list of articles, without a body.

The document knows schemas by the names of their classes, so these names must be nobody else's: two of
one name would rename both, those of the other module too.
"""

from collections.abc import Sequence

from modules.kernel.api.fields import ResponseModel, Timestamp
from modules.profiles.contracts import Profile


class BookmarkArticle(ResponseModel):
    """An article of the reading list."""

    slug: str
    title: str
    description: str
    tag_list: Sequence[str]
    created_at: Timestamp
    updated_at: Timestamp
    favorited: bool
    favorites_count: int
    author: Profile


class BookmarkArticleResponse(ResponseModel):
    """The article that was bookmarked, or is no longer."""

    article: BookmarkArticle


class BookmarkArticlesResponse(ResponseModel):
    """A page of the reading list, and how many articles there are on all pages."""

    articles: Sequence[BookmarkArticle]
    articles_count: int
