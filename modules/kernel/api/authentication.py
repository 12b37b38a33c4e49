"""Authentication by the Authorization header."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

import structlog
from fastapi import Request
from fastapi.security.base import SecurityBase
from starlette.types import Scope

from modules.kernel.api.security_schemes import OPTIONAL, TOKEN
from modules.kernel.api.strict_json import StrictJsonRequest
from modules.kernel.domain.identity import (
    AccountDisabled,
    Principal,
    TokenInvalid,
    TokenMissing,
    TokenVerifier,
    UserId,
    write_authorization,
)

PRINCIPAL = "conduit.principal"
"""The key of an authenticated request's ASGI scope that holds its `Principal`."""

CREDENTIALS_REJECTED = "conduit.credentials_rejected"
"""The key of a request's ASGI scope that is true if its invalid token counted as none."""

SCHEMES = frozenset({"token", "bearer"})

CallerT = TypeVar("CallerT")


class _Token(SecurityBase, Generic[CallerT]):
    """A FastAPI dependency on a token, which declares the security scheme in the OpenAPI document.

    Itself and not a nested dependency: FastAPI takes longer to resolve one than to verify the token.
    """

    def __init__(
        self,
        authenticate: Callable[[Request], Awaitable[CallerT]],
        scheme_name: str = TOKEN.scheme_name,
    ) -> None:
        self.model = TOKEN.model
        self.scheme_name = scheme_name
        self._authenticate = authenticate

    async def __call__(self, request: Request) -> CallerT:
        return await self._authenticate(request)


class Authentication:
    """The FastAPI dependencies that authenticate a request.

    `required` returns the caller, and raises `TokenMissing`, `TokenInvalid` or `AccountDisabled`. `principal`
    returns the caller's principal and raises the same, for use cases that change the account itself: they
    lock it and verify the session themselves. `optional` returns the caller or None: an invalid token, and
    that of a disabled account, count as none, so that a client with a stale token still reads public pages,
    and the response says so in `WWW-Authenticate`. With both of them, every transaction of the request first
    locks the caller's account and verifies the session again (`write_authorization`).
    """

    def __init__(self, tokens: TokenVerifier) -> None:
        self._tokens = tokens
        self.required = _Token(self._required)
        self.principal = _Token(self._principal)
        self.optional = _Token(self._optional, OPTIONAL)

    async def _optional(self, request: Request) -> UserId | None:
        authorization = _authorization(request)
        if not authorization:
            return None
        try:
            principal = await self._authenticate(request, authorization)
        except (TokenInvalid, AccountDisabled):
            request.scope[CREDENTIALS_REJECTED] = True
            return None
        # Of a request that is processed again, the last attempt counts.
        request.scope[CREDENTIALS_REJECTED] = False
        return self._authorize_writes(principal, body_bytes=0)

    async def _required(self, request: Request) -> UserId:
        principal = await self._principal(request)
        # FastAPI has read the body of a route that takes one; that of another is not stored.
        body_bytes = len(await request.body()) if isinstance(request, StrictJsonRequest) else 0
        return self._authorize_writes(principal, body_bytes)

    async def _principal(self, request: Request) -> Principal:
        authorization = _authorization(request)
        if not authorization:
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


def has_authorization(scope: Scope) -> bool:
    """Return whether a request has an Authorization header that is not empty."""
    return any(value.strip() for name, value in scope["headers"] if name == b"authorization")


def _authorization(request: Request) -> str:
    """Return the first such header, or an empty string without one."""
    # Not `request.headers`, which takes longer.
    for name, value in request.scope["headers"]:
        if name == b"authorization":
            return str(value, "latin-1").strip()
    return ""
