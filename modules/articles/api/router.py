"""The routes of articles, favorites and tags."""

from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query, Response

from modules.articles.api.schemas import (
    MultipleArticlesResponse,
    NewArticleRequest,
    SingleArticleResponse,
    TagsResponse,
    UpdateArticleRequest,
)
from modules.articles.domain.reading import ArticleReader, ArticleView, Criteria
from modules.articles.domain.service import ArticleService, Precondition
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cacheable import cacheable
from modules.kernel.api.conditional import IfMatch, if_match_holds
from modules.kernel.api.cursors import NEXT_LINK, CursorPagination, Pagination
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import load_examples
from modules.kernel.api.fields import PathText, QueryText
from modules.kernel.api.idempotency import Idempotency, IdempotencyKey
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import UserId


def create_router(
    service: ArticleService,
    reader: ArticleReader,
    authentication: Authentication,
    cursors: CursorPagination,
    idempotency: Idempotency,
) -> APIRouter:
    """Return the routes of articles, favorites and tags."""
    router = ModuleRouter(examples=load_examples(__file__))
    CurrentUser: TypeAlias = Annotated[UserId, Depends(authentication.required)]
    Viewer: TypeAlias = Annotated[UserId | None, Depends(authentication.optional)]

    @router.get(
        "/articles",
        operation_id="GetArticles",
        tags=["Articles"],
        responses=error_responses(401, 422) | NEXT_LINK,
    )
    @cacheable
    async def articles(
        pagination: Annotated[Pagination, Depends(cursors.params("tag", "author", "favorited"))],
        viewer: Viewer,
        tag: Annotated[QueryText, Query(description="Only articles with this tag.")] = None,
        author: Annotated[QueryText, Query(description="Only articles by this username.")] = None,
        favorited: Annotated[QueryText, Query(description="Only favorites of this username.")] = None,
    ) -> MultipleArticlesResponse:
        """Return the newest articles, of all or of those that meet every filter."""
        found = await reader.articles(Criteria(tag, author, favorited), pagination.page, viewer)
        pagination.set_next_link(found.next)
        return MultipleArticlesResponse.model_validate(found)

    # Before /articles/{slug}, or it would be the article called "feed".
    @router.get(
        "/articles/feed",
        operation_id="GetArticlesFeed",
        tags=["Articles"],
        responses=error_responses(401, 422) | NEXT_LINK,
    )
    @cacheable
    async def feed(
        user: CurrentUser, pagination: Annotated[Pagination, Depends(cursors.params())]
    ) -> MultipleArticlesResponse:
        """Return the newest articles by those whom one follows."""
        found = await reader.feed(user, pagination.page)
        pagination.set_next_link(found.next)
        return MultipleArticlesResponse.model_validate(found)

    @router.post(
        "/articles",
        operation_id="CreateArticle",
        tags=["Articles"],
        status_code=HTTPStatus.CREATED,
        response_model=SingleArticleResponse,
        responses=error_responses(401, 409, 422),
    )
    async def publish(
        author: CurrentUser, body: NewArticleRequest, idempotency_key: IdempotencyKey
    ) -> SingleArticleResponse | Response:
        """Publish an article."""
        new = body.article
        return await idempotency.run(
            idempotency_key,
            author,
            lambda: service.publish(author, new.title, new.description, new.body, new.tags),
            _single,
        )

    @router.get(
        "/articles/{slug}",
        operation_id="GetArticle",
        tags=["Articles"],
        responses=error_responses(401, 404, 422),
    )
    @cacheable
    async def article(slug: PathText, viewer: Viewer) -> SingleArticleResponse:
        """Return an article."""
        return _single(await reader.article(slug, viewer))

    @router.put(
        "/articles/{slug}",
        operation_id="UpdateArticle",
        tags=["Articles"],
        responses=error_responses(401, 403, 404, 412, 422),
    )
    async def edit(
        slug: PathText, editor: CurrentUser, body: UpdateArticleRequest, if_match: IfMatch
    ) -> SingleArticleResponse:
        """Change an article of one's own. Another title gives it another slug."""
        return _single(await service.edit(slug, body.article.changes(), editor, if_match=_expected(if_match)))

    @router.delete(
        "/articles/{slug}",
        operation_id="DeleteArticle",
        tags=["Articles"],
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401, 403, 404, 412, 422),
    )
    async def delete(slug: PathText, editor: CurrentUser, if_match: IfMatch) -> None:
        """Delete an article of one's own, with all that hangs on it."""
        await service.delete(slug, editor, if_match=_expected(if_match))

    @router.post(
        "/articles/{slug}/favorite",
        operation_id="CreateArticleFavorite",
        tags=["Favorites"],
        responses=error_responses(401, 404, 422),
    )
    async def favorite(slug: PathText, user: CurrentUser) -> SingleArticleResponse:
        """Favorite an article; twice is once."""
        return _single(await service.favorite(slug, user))

    @router.delete(
        "/articles/{slug}/favorite",
        operation_id="DeleteArticleFavorite",
        tags=["Favorites"],
        responses=error_responses(401, 404, 422),
    )
    async def unfavorite(slug: PathText, user: CurrentUser) -> SingleArticleResponse:
        """Stop favoriting an article, if one did."""
        return _single(await service.unfavorite(slug, user))

    @router.get("/tags", operation_id="GetTags", tags=["Tags"], responses=error_responses(422))
    @cacheable
    async def tags() -> TagsResponse:
        """Return the tags in use, the most used first."""
        return TagsResponse(tags=list(await reader.tags()))

    return router


def _expected(if_match: str | None) -> Precondition | None:
    return None if if_match is None else lambda article: if_match_holds(_single(article), if_match)


def _single(article: ArticleView) -> SingleArticleResponse:
    return SingleArticleResponse.model_validate({"article": article})
