"""Search results on the wire: articles as in every list, with highlights."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from conduit_search.domain.searching import SearchHit, SearchResults
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
    tag_list: Sequence[str]
    created_at: Timestamp
    updated_at: Timestamp
    favorited: bool
    favorites_count: int
    author: Profile
    highlights: SearchHighlights

    @classmethod
    def of(cls, hit: SearchHit) -> Self:
        """Return the response for a hit."""
        preview = hit.preview
        return cls(
            slug=preview.slug,
            title=preview.title,
            description=preview.description,
            tag_list=preview.tag_list,
            created_at=preview.created_at,
            updated_at=preview.updated_at,
            favorited=preview.favorited,
            favorites_count=preview.favorites_count,
            author=preview.author,
            highlights=SearchHighlights.model_validate(hit.highlights),
        )


class SearchArticlesResponse(ResponseModel):
    """A page of articles, best match first, and the total number."""

    articles: Sequence[SearchArticle]
    articles_count: int

    @classmethod
    def of(cls, results: SearchResults) -> Self:
        """Return the response for a page of results."""
        articles = [SearchArticle.of(hit) for hit in results.articles]
        return cls(articles=articles, articles_count=results.count)
