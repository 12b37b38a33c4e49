"""Search results on the wire: articles as in every list, with highlights."""

from pydantic import Field

from modules.kernel.api.fields import ResponseModel, Timestamp
from modules.profiles.contracts import Profile


class SearchHighlights(ResponseModel):
    """HTML. All text is escaped; the only tag is `<mark>`, around each matched word."""

    title: str
    description: str
    body: str = Field(description="An excerpt of the body's Markdown source.")


class SearchArticle(ResponseModel):
    """An article that matches."""

    slug: str
    title: str
    description: str
    tag_list: tuple[str, ...]
    created_at: Timestamp
    updated_at: Timestamp
    favorited: bool
    favorites_count: int
    author: Profile
    highlights: SearchHighlights


class SearchArticlesResponse(ResponseModel):
    """A page of articles, best match first, and the total number."""

    articles: list[SearchArticle]
    articles_count: int
