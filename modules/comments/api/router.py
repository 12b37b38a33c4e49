"""The routes of comments."""

from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends

from modules.comments.api.schemas import MultipleCommentsResponse, NewCommentRequest, SingleCommentResponse
from modules.comments.domain.comment import DEFAULT_PAGE, CommentId
from modules.comments.domain.service import CommentService
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cacheable import cacheable
from modules.kernel.api.cursors import NEXT_LINK, CursorPagination, Pagination
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import load_examples
from modules.kernel.api.fields import Identifier, PathText
from modules.kernel.api.idempotency import Idempotency, IdempotencyKey
from modules.kernel.api.json_response import JsonResponse
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import UserId


def create_router(
    service: CommentService,
    authentication: Authentication,
    cursors: CursorPagination,
    idempotency: Idempotency,
) -> APIRouter:
    """Return the routes of comments."""
    router = ModuleRouter(tags=["Comments"], examples=load_examples(__file__))
    CurrentUser: TypeAlias = Annotated[UserId, Depends(authentication.required)]
    Viewer: TypeAlias = Annotated[UserId | None, Depends(authentication.optional)]
    CommentPagination: TypeAlias = Annotated[Pagination, Depends(cursors.params_with_default(DEFAULT_PAGE))]

    @router.get(
        "/articles/{slug}/comments",
        operation_id="GetArticleComments",
        responses=error_responses(401, 404, 422) | NEXT_LINK,
    )
    @cacheable
    async def comments(
        slug: PathText, viewer: Viewer, pagination: CommentPagination
    ) -> JsonResponse[MultipleCommentsResponse]:
        """Return an article's comments, newest first.

        Up to `limit` of them, and at most 1 MiB of bodies. The `Link` header has the URL of the others.
        """
        comment_list = await service.comments(slug, viewer, pagination.page)
        response = MultipleCommentsResponse.respond(comments=list(comment_list.comments))
        pagination.set_next_link(response, comment_list.next)
        return response

    @router.post(
        "/articles/{slug}/comments",
        operation_id="CreateArticleComment",
        status_code=HTTPStatus.CREATED,
        responses=error_responses(401, 404, 422, 429),
    )
    async def add(
        slug: PathText, author_id: CurrentUser, body: NewCommentRequest, idempotency_key: IdempotencyKey
    ) -> JsonResponse[SingleCommentResponse]:
        """Comment on an article."""
        return await idempotency.run(
            idempotency_key,
            author_id,
            lambda: service.add(slug, body.comment.body, author_id),
            lambda comment: SingleCommentResponse.respond(comment=comment),
        )

    @router.delete(
        "/articles/{slug}/comments/{id}",
        operation_id="DeleteArticleComment",
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401, 403, 404, 422),
    )
    async def delete(slug: PathText, id: Identifier, editor_id: CurrentUser) -> None:  # noqa: A002 - its wire name
        """Delete your own comment."""
        await service.delete(slug, CommentId(id), editor_id)

    return router
