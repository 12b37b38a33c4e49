"""Routes of users: registration, login and the current user's account."""

from contextlib import nullcontext
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request, Response

from modules.kernel.api.audit import AuditAction, audited, record
from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cacheable import cacheable
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import load_examples
from modules.kernel.api.idempotency import IdempotencyKey
from modules.kernel.api.json_response import JsonResponse, created
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.errors import Forbidden, RateLimited, Unauthenticated
from modules.kernel.domain.identity import Principal
from modules.kernel.domain.personal_data import PersonalData
from modules.users.api.export import export_response
from modules.users.api.schemas import (
    DeleteUserRequest,
    ExportResponse,
    LoginUserRequest,
    NewUserRequest,
    UpdateUserRequest,
    UserResponse,
)
from modules.users.domain.service import AccountService, AuthenticatedAccount


def create_router(
    accounts: AccountService, personal_data: PersonalData, authentication: Authentication
) -> APIRouter:
    """Return the router of users."""
    router = ModuleRouter(tags=["User and Authentication"], examples=load_examples(__file__))
    CurrentUser: TypeAlias = Annotated[Principal, Depends(authentication.principal)]

    @router.post(
        "/users",
        operation_id="CreateUser",
        status_code=HTTPStatus.CREATED,
        responses=error_responses(409, 422, 429),
    )
    async def register(
        request: Request, body: NewUserRequest, idempotency_key: IdempotencyKey
    ) -> JsonResponse[UserResponse]:
        """Register a new user."""
        user, address = body.user, _client_address(request)
        with audited(AuditAction.REGISTRATION) as audit:
            registered = await accounts.register(
                user.username, user.email, user.password, address, idempotency_key
            )
            audit["user_id"] = registered.account.id
        return created(_user_response(registered))

    @router.post("/users/login", operation_id="Login", responses=error_responses(401, 422, 429))
    async def log_in(request: Request, body: LoginUserRequest) -> JsonResponse[UserResponse]:
        """Log in with an e-mail address and a password."""
        with audited(AuditAction.LOGIN) as audit:
            try:
                user = await accounts.log_in(body.user.email, body.user.password, _client_address(request))
            except (Unauthenticated, Forbidden, RateLimited):
                audit["user_id"] = await accounts.id_of(body.user.email)
                raise
            audit["user_id"] = user.account.id
        return _user_response(user)

    @router.get("/user", operation_id="GetCurrentUser", responses=error_responses(401, 422))
    @cacheable
    async def current_user(user: CurrentUser) -> JsonResponse[UserResponse]:
        """Return the current user."""
        return _user_response(await accounts.current(user))

    @router.put("/user", operation_id="UpdateCurrentUser", responses=error_responses(401, 409, 422))
    async def update_user(user: CurrentUser, body: UpdateUserRequest) -> JsonResponse[UserResponse]:
        """Update the current user. A new password ends all other sessions, and returns a new token."""
        changes = body.user.changes()
        with nullcontext() if changes.password is None else audited(AuditAction.PASSWORD_CHANGE):
            updated = await accounts.update(user, changes)
        if updated.has_new_email:
            record(AuditAction.EMAIL_CHANGE)
        return _user_response(updated)

    @router.delete(
        "/user",
        operation_id="DeleteCurrentUser",
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401, 403, 422, 429),
    )
    async def delete_user(request: Request, user: CurrentUser, body: DeleteUserRequest) -> None:
        """Delete your own account with all its data. This cannot be undone."""
        with audited(AuditAction.ACCOUNT_DELETION):
            await accounts.delete(user, body.user.password, _client_address(request))

    @router.get(
        "/user/export",
        operation_id="ExportCurrentUser",
        response_model=ExportResponse,
        responses=error_responses(401),
    )
    async def export_user(user: CurrentUser) -> Response:
        """Export all data stored about the current user."""
        with audited(AuditAction.EXPORT):
            return await export_response(personal_data, user.user_id)

    @router.post(
        "/user/logout-all",
        operation_id="LogOutEverywhere",
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401),
    )
    async def log_out_everywhere(user: CurrentUser) -> None:
        """Log out everywhere. Revokes every token of the current user, this one included."""
        with audited(AuditAction.LOGOUT_EVERYWHERE):
            await accounts.log_out_everywhere(user)

    return router


def _user_response(authenticated: AuthenticatedAccount) -> JsonResponse[UserResponse]:
    return UserResponse.respond(user=authenticated)


def _client_address(request: Request) -> str:
    # A Unix socket has no client addresses: all its clients share one rate limit.
    return request.client.host if request.client else ""
