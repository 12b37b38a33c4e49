"""uvicorn, with an end to what one client may ask of it."""

import asyncio
import json
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from conduit_app.middleware.overload import OVERLOADED, PROBLEM, RETRY_AFTER_SECONDS
from conduit_app.middleware.request_log import REQUEST_ID
from conduit_app.settings import Settings

log = structlog.get_logger("conduit.server")

# What the parser finds wrong with a request, unless this protocol did.
MALFORMED = (HTTPStatus.BAD_REQUEST, {"request": ["is not valid HTTP"]})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, or all of them, may ask of one process. Sizes are in bytes, times in seconds."""

    url_size: int
    headers_size: int
    requests: int
    connections: int
    header_timeout: float
    body_timeout: float

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits that the settings name."""
        return cls(
            settings.max_url_size,
            settings.max_headers_size,
            settings.max_requests,
            settings.max_connections,
            settings.header_timeout,
            settings.body_timeout,
        )


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, for `LimitedProtocol`."""

    def __init__(self, app: str, limits: Limits, **options: Any) -> None:
        super().__init__(app, http=LimitedProtocol, ws="none", **options)
        self.limits = limits


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for ever and takes headers of any size.

    Whoever sends headers or a body too slowly, or nothing at all, gets a 408; headers that are too large
    a 431 and a URL that is too long a 414. One connection or request too many gets a 503. All of it
    leaves in the one shape of errors. Whoever does not read what is answered is cut off without a word.
    """

    config: ServerConfig

    def __init__(self, config: ServerConfig, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._limits = config.limits
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._head_size = 0
        self._in_head = True
        self._refusal = MALFORMED

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, PROBLEM)
            return
        self._wait(self._limits.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait(None)
        self._await_reader(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the headers have become too large before they have ended."""
        if self._in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self._in_head and self._head_size > self._limits.url_size + self._limits.headers_size:
            self._refuse(*self._too_large())

    def on_message_begin(self) -> None:
        """Begin to read headers: the time for them is measured from here, or from the connection on."""
        super().on_message_begin()
        self._in_head = True
        if self._deadline is None:
            self._wait(self._limits.header_timeout)

    def on_headers_complete(self) -> None:
        """Give the request to the application, unless it is too large or comes as one too many."""
        size = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) > self._limits.url_size or size > self._limits.headers_size:
            self._refusal = self._too_large()
            # The parser passes it on as an error of its own, and uvicorn calls `send_400_response`.
            raise ValueError(self._refusal)
        self._in_head, self._head_size = False, 0
        if len(self.tasks) >= self._limits.requests:
            cast("dict[str, object]", self.scope)[OVERLOADED] = True
        self._wait(self._limits.body_timeout)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop waiting: the request is whole."""
        self._wait(None)
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Stop answering a client that does not read, for so long and no longer."""
        super().pause_writing()
        self._await_reader(self._limits.body_timeout)

    def resume_writing(self) -> None:
        """Go on answering."""
        self._await_reader(None)
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing is asked any more."""
        super().timeout_keep_alive_handler()
        self._await_reader(self._limits.body_timeout)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are not ours
        """Answer what could not be read in the one shape."""
        self._refuse(*self._refusal)

    def _too_large(self) -> tuple[HTTPStatus, dict[str, list[str]]]:
        if len(self.url) > self._limits.url_size:
            return HTTPStatus.REQUEST_URI_TOO_LONG, {"url": ["is too long"]}
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, {"headers": ["are too large"]}

    def _wait(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _await_reader(self, seconds: float | None) -> None:
        # A transport that is closed waits for its reader too, and would for ever.
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        if seconds is not None:
            unread = self.transport.get_write_buffer_size()
            self._unread = self.loop.call_later(seconds, self._expect_progress, unread)

    def _expect_progress(self, unread: int) -> None:
        if self.transport.get_write_buffer_size() < unread:
            # Slowly, as over a weak connection.
            self._await_reader(self._limits.body_timeout)
        else:
            self.transport.abort()

    def _too_slow(self) -> None:
        self._deadline = None
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, {"request": ["was not sent in time"]})

    def _refuse(self, status: HTTPStatus, errors: dict[str, list[str]]) -> None:
        if self.transport.is_closing():
            return
        if self._in_head or not self.cycle.response_started:
            body = json.dumps({"errors": errors}).encode()
            request_id = uuid.uuid4().hex
            log.info("refused", request_id=request_id, status=status.value)
            lines = [
                f"HTTP/1.1 {status.value} {status.phrase}",
                "content-type: application/json",
                f"content-length: {len(body)}",
                "x-content-type-options: nosniff",
                f"{REQUEST_ID.lower()}: {request_id}",
                "connection: close",
            ]
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                lines.append(f"retry-after: {RETRY_AFTER_SECONDS}")
            self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()
        self._await_reader(self._limits.body_timeout)
