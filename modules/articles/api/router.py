"""The routes of articles, favorites and tags."""

from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query

from modules.articles.api.schemas import (
    MultipleArticlesResponse,
    NewArticleRequest,
    SingleArticleResponse,
    TagsResponse,
    UpdateArticleRequest,
)
from modules.articles.domain.reading import ArticleList, ArticleReader, ArticleView, Criteria
from modules.articles.domain.service import ArticleService, Precondition
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cacheable import cacheable
from modules.kernel.api.conditional import EDITABLE_ETAG, IfMatch, editable_etag, editable_match
from modules.kernel.api.cursors import NEXT_LINK, CursorPagination, Pagination
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import load_examples
from modules.kernel.api.fields import PathText, QueryText
from modules.kernel.api.idempotency import Idempotency, IdempotencyKey
from modules.kernel.api.json_response import JsonResponse
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
    ) -> JsonResponse[MultipleArticlesResponse]:
        """Return the newest articles that match every filter."""
        article_list = await reader.articles(Criteria(tag, author, favorited), pagination.page, viewer)
        return _list_response(article_list, pagination)

    # Declared before /articles/{slug}, which would match it.
    @router.get(
        "/articles/feed",
        operation_id="GetArticlesFeed",
        tags=["Articles"],
        responses=error_responses(401, 422) | NEXT_LINK,
    )
    @cacheable
    async def feed(
        reader_id: CurrentUser, pagination: Annotated[Pagination, Depends(cursors.params())]
    ) -> JsonResponse[MultipleArticlesResponse]:
        """Return the newest articles by the users you follow."""
        return _list_response(await reader.feed(reader_id, pagination.page), pagination)

    @router.post(
        "/articles",
        operation_id="CreateArticle",
        tags=["Articles"],
        status_code=HTTPStatus.CREATED,
        responses=error_responses(401, 409, 422, 429),
    )
    async def publish(
        author_id: CurrentUser, body: NewArticleRequest, idempotency_key: IdempotencyKey
    ) -> JsonResponse[SingleArticleResponse]:
        """Publish an article."""
        new = body.article
        return await idempotency.run(
            idempotency_key,
            author_id,
            lambda: service.publish(author_id, new.title, new.description, new.body, new.tags),
            _article_response,
        )

    @router.get(
        "/articles/{slug}",
        operation_id="GetArticle",
        tags=["Articles"],
        responses=error_responses(404, 422) | EDITABLE_ETAG,
    )
    @cacheable
    async def article(slug: PathText, viewer: Viewer) -> JsonResponse[SingleArticleResponse]:
        """Return an article."""
        found = await reader.article(slug, viewer)
        response = _article_response(found)
        response.headers["ETag"] = editable_etag(bytes(response.body), found.updated_at)
        return response

    @router.put(
        "/articles/{slug}",
        operation_id="UpdateArticle",
        tags=["Articles"],
        responses=error_responses(401, 403, 404, 412, 422, 429),
    )
    async def edit(
        slug: PathText, editor_id: CurrentUser, body: UpdateArticleRequest, if_match: IfMatch
    ) -> JsonResponse[SingleArticleResponse]:
        """Edit your own article. A new title changes its slug; the old one still finds it."""
        return _article_response(
            await service.edit(slug, body.article.changes(), editor_id, if_match=_precondition(if_match))
        )

    @router.delete(
        "/articles/{slug}",
        operation_id="DeleteArticle",
        tags=["Articles"],
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401, 403, 404, 412, 422),
    )
    async def delete(slug: PathText, editor_id: CurrentUser, if_match: IfMatch) -> None:
        """Delete your own article with its comments and favorites."""
        await service.delete(slug, editor_id, if_match=_precondition(if_match))

    @router.post(
        "/articles/{slug}/favorite",
        operation_id="CreateArticleFavorite",
        tags=["Favorites"],
        responses=error_responses(401, 404, 422),
    )
    async def favorite(slug: PathText, user_id: CurrentUser) -> JsonResponse[SingleArticleResponse]:
        """Favorite an article. Idempotent."""
        return _article_response(await service.favorite(slug, user_id))

    @router.delete(
        "/articles/{slug}/favorite",
        operation_id="DeleteArticleFavorite",
        tags=["Favorites"],
        responses=error_responses(401, 404, 422),
    )
    async def unfavorite(slug: PathText, user_id: CurrentUser) -> JsonResponse[SingleArticleResponse]:
        """Remove an article from your favorites. Idempotent."""
        return _article_response(await service.unfavorite(slug, user_id))

    @router.get("/tags", operation_id="GetTags", tags=["Tags"], responses=error_responses(422))
    @cacheable
    async def tags() -> JsonResponse[TagsResponse]:
        """Return the tags in use, most used first, at most 1,000."""
        return TagsResponse.respond(tags=list(await reader.tags()))

    return router


def _precondition(if_match: str | None) -> Precondition | None:
    return None if if_match is None else lambda article: editable_match(if_match, article.updated_at)


def _article_response(article: ArticleView) -> JsonResponse[SingleArticleResponse]:
    return SingleArticleResponse.respond(article=article)


def _list_response(
    article_list: ArticleList, pagination: Pagination
) -> JsonResponse[MultipleArticlesResponse]:
    response = MultipleArticlesResponse.respond(
        articles=list(article_list.articles), articles_count=article_list.articles_count
    )
    pagination.set_next_link(response, article_list.next)
    return response
