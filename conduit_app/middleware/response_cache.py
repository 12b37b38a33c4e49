"""The response cache, and the ETags of responses."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import NamedTuple

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_app.middleware.cache_key import CacheKeys, QueryPairs
from modules.kernel.api.authentication import CREDENTIALS_REJECTED, PRINCIPAL
from modules.kernel.api.cacheable import CACHE_MAX_AGE
from modules.kernel.api.conditional import entity_tag, joined_header, weak_match
from modules.kernel.domain.identity import Principal
from modules.kernel.infrastructure.persistence.engines import DataVersion

Key = tuple[str, QueryPairs, tuple[bytes, ...]]
"""Path, declared query parameters and Authorization headers."""

ReadDataVersion = Callable[[], Awaitable[DataVersion | None]]
RawHeaders = list[tuple[bytes, bytes]]

IF_NONE_MATCH = b"if-none-match"
ETAG = b"etag"
# A response larger than this fraction of the cache would evict too many others.
MAX_ENTRY_FRACTION = 64
# Approximate memory of an entry besides its key and its body.
ENTRY_OVERHEAD_BYTES = 1_000


class _Response(NamedTuple):
    headers: RawHeaders
    body: bytes
    etag: str


class _CachedResponse(NamedTuple):
    response: _Response
    endpoint: object
    principal: Principal | None
    expires_at: float


class ResponseCacheMiddleware:
    """An ASGI middleware that adds an ETag to every response to a GET and caches the cacheable ones.

    A response is cacheable if its endpoint is marked `@cacheable`. It is cached by path, declared query
    parameters and Authorization header until anything in the database changes, its token expires or its
    max-age is reached, so that a cached response equals a recomputed one. The response to an invalid token
    that counted as none is cached as an anonymous one. Where the version of the database is not known, no
    cached response is served and none is stored. A streaming response gets no ETag: its headers are sent
    before its body is known.
    """

    def __init__(
        self, app: ASGIApp, read_data_version: ReadDataVersion, keys: CacheKeys, max_size: int
    ) -> None:
        self._app = app
        self._keys = keys
        self._read_data_version = read_data_version
        self._max_size = max_size
        self._version: DataVersion | None = None
        self._entries: OrderedDict[Key, _CachedResponse] = OrderedDict()
        self._size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a GET from the cache, or call the application and store its response if it is cacheable."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        key = self._key(scope) if self._max_size else None
        # Read before the response is computed: one that is newer than its version only expires too early.
        version = None if key is None else await self._current_version()
        if key is None or version is None:
            await self._call(scope, receive, send)
            return
        cached = self._entries.get(key)
        if cached is None or cached.expires_at <= time.time():
            response = await self._call(scope, receive, send)
            if response is not None and CACHE_MAX_AGE in scope:
                if scope.get(CREDENTIALS_REJECTED):
                    # The token may become valid, and many invalid ones would evict the valid ones.
                    key = (*key[:2], ())
                self._store(key, version, _cached(response, scope))
            return
        self._entries.move_to_end(key)
        # For the request log, as if the endpoint had been called.
        scope["endpoint"] = cached.endpoint
        if cached.principal is not None:
            structlog.contextvars.bind_contextvars(user_id=cached.principal.user_id)
        await _send(cached.response, scope, send)

    def _key(self, scope: Scope) -> Key | None:
        path = scope["path"]
        query = self._keys.query(path, scope["query_string"])
        if query is None:
            return None
        # All Authorization headers: which of two is used is not decided here.
        return path, query, tuple([value for name, value in scope["headers"] if name == b"authorization"])

    async def _current_version(self) -> DataVersion | None:
        version = await self._read_data_version()
        if version is not None and version != self._version:
            self._entries.clear()
            self._size, self._version = 0, version
        return version

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> _Response | None:
        """Call the application; return the response to which an ETag was added, if any."""
        pending_start: Message | None = None
        response: _Response | None = None

        async def send_with_etag(message: Message) -> None:
            nonlocal pending_start, response
            if pending_start is None:
                if message["type"] == "http.response.start" and _can_have_etag(message):
                    pending_start = message
                else:
                    await send(message)
            elif message.get("more_body", False):
                await send(pending_start)
                pending_start = None
                await send(message)
            else:
                response = _with_etag(pending_start, message["body"])
                await _send(response, scope, send)

        await self._app(scope, receive, send_with_etag)
        return response

    def _store(self, key: Key, version: DataVersion, cached: _CachedResponse) -> None:
        size = _size(key, cached)
        if version != self._version or size > self._max_size // MAX_ENTRY_FRACTION:
            return
        # A concurrent request may have stored the same response meanwhile.
        if key in self._entries:
            self._size -= _size(key, self._entries.pop(key))
        self._entries[key] = cached
        self._size += size
        while self._size > self._max_size:
            self._size -= _size(*self._entries.popitem(last=False))


def _size(key: Key, cached: _CachedResponse) -> int:
    # With the key, which the client chooses: a short response may have a URL of any length.
    path, query, credentials = key
    texts = (path, *(text for pair in query for text in pair), *credentials)
    return len(cached.response.body) + sum(map(len, texts)) + ENTRY_OVERHEAD_BYTES


def _can_have_etag(start: Message) -> bool:
    # Without Content-Length it may be a stream, which must not be delayed.
    return start["status"] == HTTPStatus.OK and b"content-length" in dict(start["headers"])


def _with_etag(start: Message, body: bytes) -> _Response:
    headers: RawHeaders = start["headers"]
    # An endpoint may have set its own.
    etag = dict(headers).get(ETAG)
    if etag is None:
        etag = entity_tag(body).encode()
        headers = [*headers, (ETAG, etag)]
    return _Response(headers, body, etag.decode())


def _is_match(scope: Scope, etag: str) -> bool:
    if_none_match = joined_header(Headers(scope=scope), "If-None-Match")
    return if_none_match is not None and weak_match(if_none_match, etag)


def _cached(response: _Response, scope: Scope) -> _CachedResponse:
    principal: Principal | None = scope.get(PRINCIPAL)
    expires_at = time.time() + scope[CACHE_MAX_AGE]
    if principal is not None:
        expires_at = min(expires_at, principal.expires_at)
    return _CachedResponse(response, scope.get("endpoint"), principal, expires_at)


async def _send(response: _Response, scope: Scope, send: Send) -> None:
    if IF_NONE_MATCH in dict(scope["headers"]) and _is_match(scope, response.etag):
        headers = [
            (name, value)
            for name, value in response.headers
            if name not in {b"content-length", b"content-type"}
        ]
        await send(
            {"type": "http.response.start", "status": int(HTTPStatus.NOT_MODIFIED), "headers": headers}
        )
        await send({"type": "http.response.body", "body": b""})
        return
    # A copy: outer middleware appends its own headers to the list.
    await send({"type": "http.response.start", "status": int(HTTPStatus.OK), "headers": [*response.headers]})
    await send({"type": "http.response.body", "body": response.body})
