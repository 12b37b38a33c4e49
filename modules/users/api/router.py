"""The routes of users: register, log in, see and change one's own account."""

from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request

from modules.kernel.api.authentication import Authentication
from modules.kernel.api.cacheable import cacheable
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import load_examples
from modules.kernel.api.idempotency import IdempotencyKey
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.personal_data import PersonalData
from modules.users.api.schemas import (
    DeleteUserRequest,
    ExportResponse,
    LoginUserRequest,
    NewUserRequest,
    UpdateUserRequest,
    UserResponse,
)
from modules.users.domain.service import AccountService

# How old the token in an answer about one's own account may be: fresh, of a lifetime of days.
TOKEN_AGE_SECONDS = 60


def create_router(
    accounts: AccountService, personal_data: PersonalData, authentication: Authentication
) -> APIRouter:
    """Return the routes of accounts."""
    router = ModuleRouter(tags=["User and Authentication"], examples=load_examples(__file__))
    CurrentUser: TypeAlias = Annotated[UserId, Depends(authentication.required)]

    @router.post(
        "/users",
        operation_id="CreateUser",
        status_code=HTTPStatus.CREATED,
        responses=error_responses(409, 422),
    )
    async def register(body: NewUserRequest, idempotency_key: IdempotencyKey) -> UserResponse:
        """Register a new user."""
        new = body.user
        return UserResponse.of(
            await accounts.register(new.username, new.email, new.password, idempotency_key)
        )

    @router.post("/users/login", operation_id="Login", responses=error_responses(401, 422, 429))
    async def log_in(request: Request, body: LoginUserRequest) -> UserResponse:
        """Log in with an e-mail address and a password."""
        return UserResponse.of(await accounts.log_in(body.user.email, body.user.password, _address(request)))

    @router.get("/user", operation_id="GetCurrentUser", responses=error_responses(401, 422))
    @cacheable(max_age=TOKEN_AGE_SECONDS)
    async def current_user(user: CurrentUser) -> UserResponse:
        """Return one's own account."""
        return UserResponse.of(await accounts.current(user))

    @router.put("/user", operation_id="UpdateCurrentUser", responses=error_responses(401, 409, 422))
    async def update_user(user: CurrentUser, body: UpdateUserRequest) -> UserResponse:
        """Change one's own account. A new password ends every token issued before."""
        return UserResponse.of(await accounts.update(user, body.user.changes()))

    @router.delete(
        "/user",
        operation_id="DeleteCurrentUser",
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401, 403, 422, 429),
    )
    async def delete_user(request: Request, user: CurrentUser, body: DeleteUserRequest) -> None:
        """Delete one's own account, with everything that it has anywhere. This cannot be undone."""
        await accounts.delete(user, body.user.password, _address(request))

    @router.get("/user/export", operation_id="ExportCurrentUser", responses=error_responses(401))
    async def export_user(user: CurrentUser) -> ExportResponse:
        """Return all that Conduit keeps about oneself."""
        return ExportResponse(export=await personal_data.of(user))

    @router.post(
        "/user/logout-all",
        operation_id="LogOutEverywhere",
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401),
    )
    async def log_out_everywhere(user: CurrentUser) -> None:
        """End every session of one's own account, this one too."""
        await accounts.log_out_everywhere(user)

    return router


def _address(request: Request) -> str:
    # A server on a Unix socket knows no address: all who come through it are one.
    return request.client.host if request.client else ""
