"""Authentication by the Authorization header."""

from functools import partial
from typing import Annotated

import structlog
from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from modules.kernel.api.strict_json import StrictJsonRequest
from modules.kernel.domain.identity import (
    Principal,
    TokenInvalid,
    TokenMissing,
    TokenVerifier,
    UserId,
    write_authorization,
)

PRINCIPAL = "conduit.principal"
"""The key of an authenticated request's ASGI scope that holds its `Principal`."""

SCHEMES = frozenset({"token", "bearer"})

_header = APIKeyHeader(
    name="Authorization",
    scheme_name="Token",
    description="`Token <jwt>`, with the token of a `user` response. `Bearer <jwt>` is accepted too.",
    auto_error=False,
)


class Authentication:
    """The FastAPI dependencies that authenticate a request.

    With `required` and `optional`, every transaction of the request first locks the caller's account and
    verifies the session again (`write_authorization`).
    """

    def __init__(self, tokens: TokenVerifier) -> None:
        self._tokens = tokens

    async def required(
        self, request: Request, authorization: Annotated[str | None, Security(_header)]
    ) -> UserId:
        """Return the caller; raise `TokenMissing` or `TokenInvalid`."""
        principal = await self.principal(request, authorization)
        # FastAPI has read the body of a route that takes one; that of another is not stored.
        body_bytes = len(await request.body()) if isinstance(request, StrictJsonRequest) else 0
        return self._authorize_writes(principal, body_bytes)

    async def optional(self, request: Request) -> UserId | None:
        """Return the caller, or None without the header; raise `TokenInvalid`."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            return None
        return self._authorize_writes(await self._authenticate(request, authorization), body_bytes=0)

    async def principal(
        self, request: Request, authorization: Annotated[str | None, Security(_header)]
    ) -> Principal:
        """Return the principal; raise `TokenMissing` or `TokenInvalid`.

        For use cases that change the account itself: they lock it and verify the session themselves.
        """
        if authorization is None:
            raise TokenMissing
        return await self._authenticate(request, authorization)

    def _authorize_writes(self, principal: Principal, body_bytes: int) -> UserId:
        write_authorization.set(partial(self._tokens.authorize_write, principal, body_bytes))
        return principal.user_id

    async def _authenticate(self, request: Request, authorization: str) -> Principal:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in SCHEMES:
            raise TokenInvalid
        principal = await self._tokens.verify(token.strip())
        request.scope[PRINCIPAL] = principal
        structlog.contextvars.bind_contextvars(user_id=principal.user_id)
        return principal
