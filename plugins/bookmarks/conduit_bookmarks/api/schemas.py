"""Bookmarked articles on the wire: as in every list of articles, without a body.

The OpenAPI document names schemas by their class, and renames both of two classes with one name: these
names must be unique across modules.
"""

from modules.kernel.api.fields import ResponseModel, Timestamp
from modules.profiles.contracts import Profile


class BookmarkArticle(ResponseModel):
    """An article of the reading list."""

    slug: str
    title: str
    description: str
    tag_list: tuple[str, ...]
    created_at: Timestamp
    updated_at: Timestamp
    favorited: bool
    favorites_count: int
    author: Profile


class BookmarkArticleResponse(ResponseModel):
    """The article whose bookmark was added or removed."""

    article: BookmarkArticle


class BookmarkArticlesResponse(ResponseModel):
    """A page of the reading list, and the total number of articles."""

    articles: list[BookmarkArticle]
    articles_count: int
