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
from modules.kernel.api.cacheable import LASTING
from modules.kernel.api.conditional import entity_tag, listed, matches_weakly
from modules.kernel.domain.identity import Principal

Key = tuple[str, bytes, tuple[bytes, ...]]
RawHeaders = list[tuple[bytes, bytes]]

# An answer larger than this part of the room would drive out too many others.
LARGEST_PART = 64
# About what keeping an answer takes besides its key and its body, in bytes.
OVERHEAD = 1_000


@dataclass(frozen=True, slots=True)
class _Kept:
    headers: RawHeaders
    body: bytes
    etag: str
    endpoint: object
    principal: Principal | None
    until: float


class KeptAnswers:
    """Tags every answer to a GET, and keeps the bytes of those that last.

    Those that last (`modules.kernel.api.cacheable.lasting`) are kept for the URL and the Authorization
    header that asked, until anything in the database changes, the token ends, or they are as old as
    they may be: so what is given again is what would be worked out again. Asking for the database's
    version costs a hundredth of working out a list. Where the version cannot be known, nothing is kept.
    What streams gets no tag: it has left before its end is known.
    """

    def __init__(self, app: ASGIApp, version: Callable[[], int | None], room: int) -> None:
        self._app = app
        self._version_now = version
        self._room = room
        self._version: int | None = None
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
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
        version = self._current()
        kept = self._kept.get(key)
        if kept is None or kept.until <= time.time():
            await self._work_out(key, version, scope, receive, send)
            return
        self._kept.move_to_end(key)
        # For the log line, as if the endpoint had been called.
        scope["endpoint"] = kept.endpoint
        if kept.principal is not None:
            structlog.contextvars.bind_contextvars(user_id=kept.principal.user)
        await _answer(kept, scope, send)

    def _current(self) -> int | None:
        version = self._version_now()
        if version != self._version or version is None:
            self._kept.clear()
            self._size, self._version = 0, version
        return version

    async def _work_out(
        self, key: Key, version: int | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        untagged: Message | None = None

        async def tagging(message: Message) -> None:
            nonlocal untagged
            if message["type"] == "http.response.start" and _awaits_tag(message):
                untagged = message
            elif untagged is None:
                await send(message)
            elif message.get("more_body", False):
                await send(untagged)
                untagged = None
                await send(message)
            else:
                tagged = _tagged(untagged, message, scope)
                if LASTING in scope:
                    self._keep(key, version, tagged)
                await _answer(tagged, scope, send)

        await self._app(scope, receive, tagging)

    def _keep(self, key: Key, version: int | None, kept: _Kept) -> None:
        size = _size(key, kept)
        if version is None or version != self._version or size > self._room // LARGEST_PART:
            return
        # Others may have worked out the same meanwhile.
        if key in self._kept:
            self._size -= _size(key, self._kept.pop(key))
        self._kept[key] = kept
        self._size += size
        while self._size > self._room:
            self._size -= _size(*self._kept.popitem(last=False))


def _size(key: Key, kept: _Kept) -> int:
    # With the key, which the caller chooses: a short answer is given to a URL of any length.
    path, query, callers = key
    return len(kept.body) + len(path) + len(query) + sum(map(len, callers)) + OVERHEAD


def _awaits_tag(start: Message) -> bool:
    # What does not say its size may be a stream, which is not to wait; files bring tags of their own.
    names = {name for name, _ in start["headers"]}
    return start["status"] == HTTPStatus.OK and b"content-length" in names and b"etag" not in names


def _tagged(start: Message, message: Message, scope: Scope) -> _Kept:
    body: bytes = message["body"]
    etag = entity_tag(body)
    headers = [*start["headers"], (b"etag", etag.encode())]
    principal: Principal | None = scope.get(PRINCIPAL)
    until = time.time() + scope.get(LASTING, 0)
    if principal is not None:
        until = min(until, principal.until)
    return _Kept(headers, body, etag, scope.get("endpoint"), principal, until)


async def _answer(kept: _Kept, scope: Scope, send: Send) -> None:
    known = listed(Headers(scope=scope), "If-None-Match")
    if known is not None and matches_weakly(known, kept.etag):
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
