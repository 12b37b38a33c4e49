"""The routes of the reading list."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends

from conduit_bookmarks.api.schemas import BookmarkArticleResponse, BookmarkArticlesResponse
from conduit_bookmarks.domain.reading_list import ReadingList
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import load_examples
from modules.kernel.api.fields import OffsetPagination, PathText
from modules.kernel.api.json_response import JsonResponse
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import UserId


def create_router(reading_list: ReadingList, authentication: Authentication) -> APIRouter:
    """Return the routes of the reading list."""
    router = ModuleRouter(tags=["Bookmarks"], examples=load_examples(__file__))
    CurrentUser: TypeAlias = Annotated[UserId, Depends(authentication.required)]

    @router.get("/bookmarks", operation_id="GetBookmarks", responses=error_responses(401, 422))
    async def bookmarks(
        reader: CurrentUser, page: OffsetPagination
    ) -> JsonResponse[BookmarkArticlesResponse]:
        """Return your bookmarked articles, the latest bookmark first."""
        bookmarked = await reading_list.articles(reader, page)
        return BookmarkArticlesResponse.respond(
            articles=list(bookmarked.articles), articles_count=bookmarked.articles_count
        )

    @router.post(
        "/articles/{slug}/bookmark",
        operation_id="CreateArticleBookmark",
        responses=error_responses(401, 404, 422),
    )
    async def bookmark(slug: PathText, reader: CurrentUser) -> JsonResponse[BookmarkArticleResponse]:
        """Bookmark an article. Idempotent."""
        return BookmarkArticleResponse.respond(article=await reading_list.add(slug, reader))

    @router.delete(
        "/articles/{slug}/bookmark",
        operation_id="DeleteArticleBookmark",
        responses=error_responses(401, 404, 422),
    )
    async def unbookmark(slug: PathText, reader: CurrentUser) -> JsonResponse[BookmarkArticleResponse]:
        """Remove a bookmark. Idempotent."""
        return BookmarkArticleResponse.respond(article=await reading_list.remove(slug, reader))

    return router
