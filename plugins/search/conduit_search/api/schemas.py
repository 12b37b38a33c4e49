"""What is found looks on the wire as in every list of articles, with what was found in it."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from conduit_search.domain.searching import SearchHit, SearchResults
from modules.kernel.api.fields import ResponseModel, Timestamp
from modules.profiles.contracts import Profile


class SearchHighlights(ResponseModel):
    """HTML, in which nothing is a tag but `<mark>`, around each word that was looked for."""

    title: str
    description: str
    body: str = Field(description="A part of the body, which is Markdown.")


class SearchArticle(ResponseModel):
    """An article that was found."""

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
    def of(cls, found: SearchHit) -> Self:
        """Return the article as it leaves Conduit."""
        preview = found.preview
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
            highlights=SearchHighlights.model_validate(found.highlights),
        )


class SearchArticlesResponse(ResponseModel):
    """A page of articles, the best first, and how many there are on all pages."""

    articles: Sequence[SearchArticle]
    articles_count: int

    @classmethod
    def of(cls, found: SearchResults) -> Self:
        """Return what was found as it leaves Conduit."""
        return cls(articles=[SearchArticle.of(one) for one in found.articles], articles_count=found.count)
