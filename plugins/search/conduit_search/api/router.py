"""The route of search."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends
from fastapi import Query as QueryParameter

from conduit_search.api.schemas import SearchArticlesResponse
from conduit_search.domain.query import Query
from conduit_search.domain.searching import Search
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cacheable import cacheable
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import load_examples
from modules.kernel.api.fields import OffsetPagination
from modules.kernel.api.json_response import JsonResponse
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import UserId

Q: TypeAlias = Annotated[
    str,
    QueryParameter(
        description="Words that must all occur. Words of three letters or more also match as prefixes."
    ),
]


def create_router(search: Search, authentication: Authentication) -> APIRouter:
    """Return the route of search."""
    router = ModuleRouter(tags=["Search"], examples=load_examples(__file__))
    Viewer: TypeAlias = Annotated[UserId | None, Depends(authentication.optional)]

    @router.get("/search", operation_id="SearchArticles", responses=error_responses(422))
    @cacheable
    async def find(q: Q, page: OffsetPagination, viewer: Viewer) -> JsonResponse[SearchArticlesResponse]:
        """Search the title, tags, author, description and body of articles, best match first."""
        results = await search.find(Query(q), page, viewer)
        return SearchArticlesResponse.respond(articles=list(results.articles), articles_count=results.count)

    return router
