"""Tags of answers, and answers that are given again while the database is the same."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.kernel.api.authentication import PRINCIPAL
from modules.kernel.api.cacheable import CACHE_MAX_AGE
from modules.kernel.api.conditional import entity_tag, joined_header, weak_match
from modules.kernel.domain.identity import Principal

Key = tuple[str, bytes, tuple[bytes, ...]]
RawHeaders = list[tuple[bytes, bytes]]

# An answer larger than this part of the room would drive out too many others.
MAX_ENTRY_FRACTION = 64
# About what keeping an answer takes besides its key and its body, in bytes.
ENTRY_OVERHEAD_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class _CachedResponse:
    headers: RawHeaders
    body: bytes
    etag: str
    endpoint: object
    principal: Principal | None
    until: float


class ResponseCacheMiddleware:
    """Tags every answer to a GET, and keeps the bytes of those that last.

    Those that last (`modules.kernel.api.cacheable.lasting`) are kept for the URL and the Authorization
    header that asked, until anything in the database changes, the token ends, or they are as old as
    they may be: so what is given again is what would be worked out again. Asking for the database's
    version costs a hundredth of working out a list. Where the version cannot be known, nothing is kept.
    What streams gets no tag: it has left before its end is known.
    """

    def __init__(self, app: ASGIApp, version: Callable[[], int | None], max_size: int) -> None:
        self._app = app
        self._version_now = version
        self._max_size = max_size
        self._version: int | None = None
        self._kept: OrderedDict[Key, _CachedResponse] = OrderedDict()
        self._size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET from what is kept, or pass it on and keep the answer if it lasts."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        # Every Authorization header: which one of two counts is not decided here.
        callers = tuple(value for name, value in scope["headers"] if name == b"authorization")
        key = (scope["path"], scope["query_string"], callers)
        # Read before the answer is worked out: what is newer than its version is only kept too short.
        version = self._drop_if_stale()
        kept = self._kept.get(key)
        if kept is None or kept.until <= time.time():
            await self._call_and_store(key, version, scope, receive, send)
            return
        self._kept.move_to_end(key)
        # For the log line, as if the endpoint had been called.
        scope["endpoint"] = kept.endpoint
        if kept.principal is not None:
            structlog.contextvars.bind_contextvars(user_id=kept.principal.user_id)
        await _answer(kept, scope, send)

    def _drop_if_stale(self) -> int | None:
        version = self._version_now()
        if version != self._version or version is None:
            self._kept.clear()
            self._size, self._version = 0, version
        return version

    async def _call_and_store(
        self, key: Key, version: int | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        pending_start: Message | None = None

        async def send_with_etag(message: Message) -> None:
            nonlocal pending_start
            if message["type"] == "http.response.start" and _needs_etag(message):
                pending_start = message
            elif pending_start is None:
                await send(message)
            elif message.get("more_body", False):
                await send(pending_start)
                pending_start = None
                await send(message)
            else:
                tagged = _with_etag(pending_start, message, scope)
                if CACHE_MAX_AGE in scope:
                    self._store(key, version, tagged)
                await _answer(tagged, scope, send)

        await self._app(scope, receive, send_with_etag)

    def _store(self, key: Key, version: int | None, kept: _CachedResponse) -> None:
        size = _size(key, kept)
        if version is None or version != self._version or size > self._max_size // MAX_ENTRY_FRACTION:
            return
        # Others may have worked out the same meanwhile.
        if key in self._kept:
            self._size -= _size(key, self._kept.pop(key))
        self._kept[key] = kept
        self._size += size
        while self._size > self._max_size:
            self._size -= _size(*self._kept.popitem(last=False))


def _size(key: Key, kept: _CachedResponse) -> int:
    # With the key, which the caller chooses: a short answer is given to a URL of any length.
    path, query, callers = key
    return len(kept.body) + len(path) + len(query) + sum(map(len, callers)) + ENTRY_OVERHEAD_BYTES


def _needs_etag(start: Message) -> bool:
    # What does not say its size may be a stream, which is not to wait; files bring tags of their own.
    names = {name for name, _ in start["headers"]}
    return start["status"] == HTTPStatus.OK and b"content-length" in names and b"etag" not in names


def _with_etag(start: Message, message: Message, scope: Scope) -> _CachedResponse:
    body: bytes = message["body"]
    etag = entity_tag(body)
    headers = [*start["headers"], (b"etag", etag.encode())]
    principal: Principal | None = scope.get(PRINCIPAL)
    until = time.time() + scope.get(CACHE_MAX_AGE, 0)
    if principal is not None:
        until = min(until, principal.expires_at)
    return _CachedResponse(headers, body, etag, scope.get("endpoint"), principal, until)


async def _answer(kept: _CachedResponse, scope: Scope, send: Send) -> None:
    known = joined_header(Headers(scope=scope), "If-None-Match")
    if known is not None and weak_match(known, kept.etag):
        headers = [
            (name, value) for name, value in kept.headers if name not in {b"content-length", b"content-type"}
        ]
        await send(
            {"type": "http.response.start", "status": int(HTTPStatus.NOT_MODIFIED), "headers": headers}
        )
        await send({"type": "http.response.body", "body": b""})
        return
    # A copy: what wraps this adds headers of its own to the list.
    await send({"type": "http.response.start", "status": int(HTTPStatus.OK), "headers": [*kept.headers]})
    await send({"type": "http.response.body", "body": kept.body})
