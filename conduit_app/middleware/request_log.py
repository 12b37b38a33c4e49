"""The request id, and one log line per request."""

import random
import re
import time
from collections.abc import Callable, Mapping

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_app.observability.console_log import shown_url
from conduit_app.observability.event_loop import EventLoopWatchdog
from conduit_app.served_route import ServedRoute
from modules.kernel.domain.identity import caller_username

REQUEST_ID = "X-Request-ID"
RAW_REQUEST_ID = REQUEST_ID.lower().encode()
WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,64}")

MIN_SERVER_ERROR = 500
# Names of callers to remember: a response from the cache authenticates by user id only.
MAX_NAMES = 1_000

OnResponse = Callable[[str, str, str | None, int, float], None]
"""Called with the method, the route's template, its module if it has one, the status and the seconds."""

log = structlog.get_logger("conduit.request")


class RequestLogMiddleware:
    """An ASGI middleware that sets a request id and logs one line per request.

    A well-formed id from the client is reused. `routes` maps an endpoint to its path template and its
    module; `on_response` is called after every request; `watchdog` logs the requests during a stall;
    `address_of` returns what lines have of the client's address. With
    `is_console`, lines have the path, the query and the caller's name, and those of status 5xx are errors.
    """

    def __init__(  # noqa: PLR0913 - what it observes, and what lines have
        self,
        app: ASGIApp,
        routes: Mapping[object, ServedRoute],
        on_response: OnResponse,
        watchdog: EventLoopWatchdog,
        *,
        address_of: Callable[[str], str | None],
        is_console: bool = False,
    ) -> None:
        self._app = app
        self._address_of = address_of
        self._routes = routes
        self._on_response = on_response
        self._watchdog = watchdog
        self._console_fields = ConsoleFields() if is_console else None
        # Bound once: structlog's lazy logger is configured again for each line.
        self._log = log.bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, then log the request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        raw_request_id = request_id.encode()
        structlog.contextvars.clear_contextvars()
        address = self._address_of(scope["client"][0]) if scope["client"] else None
        if address is None:
            structlog.contextvars.bind_contextvars(request_id=request_id)
        else:
            structlog.contextvars.bind_contextvars(request_id=request_id, address=address)
        self._watchdog.request_started(request_id)
        status = 0

        async def send_with_request_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                others = [header for header in message["headers"] if header[0] != RAW_REQUEST_ID]
                message["headers"] = [*others, (RAW_REQUEST_ID, raw_request_id)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_request_id)
        finally:
            self._watchdog.request_ended(request_id)
            route, module, owner = self._route(scope)
            seconds = time.perf_counter() - started
            self._on_response(scope["method"], route, module, status, seconds)
            console = {} if self._console_fields is None else self._console_fields.of(scope)
            write = self._log.error if console and status >= MIN_SERVER_ERROR else self._log.info
            write(
                "request",
                method=scope["method"],
                route=route,
                module=module,
                status=status,
                milliseconds=round(seconds * 1000, 1),
                **({"owner": owner} if owner and status >= MIN_SERVER_ERROR else {}),
                **console,
            )

    def _route(self, scope: Scope) -> tuple[str, str | None, str]:
        if route := self._routes.get(scope.get("endpoint")):
            return route
        # Percent-encoded as received, so that a path cannot inject a log line.
        return scope["raw_path"][:200].decode("ascii", "backslashreplace"), None, ""


class ConsoleFields:
    """The fields that only lines on a console have."""

    def __init__(self) -> None:
        self._names: dict[object, str] = {}

    def of(self, scope: Scope) -> Mapping[str, str]:
        """Return the URL of the request that has just ended, and the name of its caller if it is known."""
        fields = {"url": shown_url(scope["raw_path"], scope["query_string"])}
        user_id, username = structlog.contextvars.get_contextvars().get("user_id"), caller_username.get()
        if user_id is None:
            return fields
        if username is not None:
            if len(self._names) >= MAX_NAMES:
                self._names.clear()
            self._names[user_id] = username
            # A connection's requests may share a context.
            caller_username.set(None)
        if user_id in self._names:
            fields["username"] = self._names[user_id]
        return fields


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == RAW_REQUEST_ID:
            if WELL_FORMED.fullmatch(value):
                return str(value, "ascii")
            break
    return f"{random.getrandbits(128):032x}"
