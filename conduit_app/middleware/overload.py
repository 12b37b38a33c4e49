"""Load shedding: the response when the process is at its limit of requests or streams."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.kernel.api.errors import error_response

PROBLEM = {"service": ["is busy, try again"]}
RETRY_AFTER_SECONDS = 1
BUSY_HEADERS = {"Retry-After": str(RETRY_AFTER_SECONDS), "Connection": "close"}
# A probe that got a 503 would restart or remove a process that works, and increase the load of others.
EXEMPT_PATHS = frozenset({"/health/live", "/health/ready", "/metrics"})
EVENT_STREAM = b"text/event-stream"


class OverloadMiddleware:
    """An ASGI middleware that returns 503 with Retry-After above `max_requests` or `max_streams`.

    Inside the body limit, which waits for the body, so that a client that sends slowly does not count. A
    stream of server-sent events counts as a request until its response starts, and as a stream from then
    on: it may stay open for days. Inside the request log and CORS middleware, so that the response is
    logged and readable from other origins.
    """

    def __init__(self, app: ASGIApp, max_requests: int, max_streams: int) -> None:
        self._app = app
        self._max_requests = max_requests
        self._max_streams = max_streams
        self._requests = 0
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, unless there are too many requests."""
        if scope["type"] != "http" or scope["path"] in EXEMPT_PATHS:
            await self._app(scope, receive, send)
            return
        if self._requests >= self._max_requests:
            await _busy(scope, receive, send)
            return
        is_stream = is_rejected = False

        async def send_counted(message: Message) -> None:
            nonlocal is_stream, is_rejected
            if message["type"] == "http.response.start" and _is_event_stream(message):
                if self._streams >= self._max_streams:
                    is_rejected = True
                    # After it, `receive` reports a disconnect, which ends the application's stream.
                    await _busy(scope, receive, send)
                    return
                is_stream = True
                self._requests -= 1
                self._streams += 1
            if not is_rejected:
                await send(message)

        self._requests += 1
        try:
            await self._app(scope, receive, send_counted)
        finally:
            if is_stream:
                self._streams -= 1
            else:
                self._requests -= 1


def _is_event_stream(start: Message) -> bool:
    kind: bytes = dict(start["headers"]).get(b"content-type", b"")
    return kind.startswith(EVENT_STREAM)


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    response = error_response(HTTPStatus.SERVICE_UNAVAILABLE, PROBLEM, BUSY_HEADERS)
    await response(scope, receive, send)
