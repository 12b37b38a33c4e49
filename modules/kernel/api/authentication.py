"""Who is asking, taken from the Authorization header."""

from typing import Annotated

import structlog
from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from modules.kernel.domain.identity import TokenInvalid, TokenMissing, TokenVerifier, UserId

PRINCIPAL = "conduit.principal"
"""Where a request's ASGI scope says who is asking, once that is known."""

SCHEMES = frozenset({"token", "bearer"})

_header = APIKeyHeader(
    name="Authorization",
    scheme_name="Token",
    description="`Token <jwt>`, with the token of a `user` answer. `Bearer <jwt>` is accepted too.",
    auto_error=False,
)


class Authentication:
    """The dependencies through which a router asks who is calling."""

    def __init__(self, tokens: TokenVerifier) -> None:
        self._tokens = tokens

    async def required(
        self, request: Request, authorization: Annotated[str | None, Security(_header)]
    ) -> UserId:
        """Return the caller; raise `TokenMissing` or `TokenInvalid` for one who cannot be told."""
        if authorization is None:
            raise TokenMissing
        return await self._caller(request, authorization)

    async def optional(self, request: Request) -> UserId | None:
        """Return the caller, or None for one who sent no header; raise `TokenInvalid` for a bad one."""
        authorization = request.headers.get("Authorization")
        return None if authorization is None else await self._caller(request, authorization)

    async def _caller(self, request: Request, authorization: str) -> UserId:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in SCHEMES:
            raise TokenInvalid
        principal = await self._tokens.verify(token.strip())
        request.scope[PRINCIPAL] = principal
        structlog.contextvars.bind_contextvars(user_id=principal.user_id)
        return principal.user_id
