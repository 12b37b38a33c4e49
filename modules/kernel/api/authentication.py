"""Authentication by the Authorization header."""

from typing import Annotated

import structlog
from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from modules.kernel.domain.identity import TokenInvalid, TokenMissing, TokenVerifier, UserId

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
    """The FastAPI dependencies that authenticate a request."""

    def __init__(self, tokens: TokenVerifier) -> None:
        self._tokens = tokens

    async def required(
        self, request: Request, authorization: Annotated[str | None, Security(_header)]
    ) -> UserId:
        """Return the caller; raise `TokenMissing` or `TokenInvalid`."""
        if authorization is None:
            raise TokenMissing
        return await self._authenticate(request, authorization)

    async def optional(self, request: Request) -> UserId | None:
        """Return the caller, or None without the header; raise `TokenInvalid`."""
        authorization = request.headers.get("Authorization")
        return None if authorization is None else await self._authenticate(request, authorization)

    async def _authenticate(self, request: Request, authorization: str) -> UserId:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in SCHEMES:
            raise TokenInvalid
        principal = await self._tokens.verify(token.strip())
        request.scope[PRINCIPAL] = principal
        structlog.contextvars.bind_contextvars(user_id=principal.user_id)
        return principal.user_id
