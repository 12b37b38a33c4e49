"""uvicorn with limits and timeouts for its clients."""

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

# The response to a request that the parser rejects.
MALFORMED = (HTTPStatus.BAD_REQUEST, {"request": ["is not valid HTTP"]})


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one process. Sizes are in bytes, times in seconds."""

    url_size: int
    headers_size: int
    requests: int
    connections: int
    header_timeout: float
    body_timeout: float

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits of the settings."""
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
    """uvicorn's protocol, which has no read timeout and no limit on the size of headers.

    Slow requests get 408; clients that stop reading are disconnected. Headers that are too large get 431,
    a URL that is too long 414, and a connection or request over the limit 503, all in the API's error
    shape.
    """

    config: ServerConfig

    def __init__(self, config: ServerConfig, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._limits = config.limits
        self._read_deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None
        self._head_size = 0
        self._in_head = True
        self._rejection = MALFORMED

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        """Accept the connection, or reject it with 503 if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._reject(HTTPStatus.SERVICE_UNAVAILABLE, PROBLEM)
            return
        self._set_read_deadline(self._limits.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all deadlines."""
        self._set_read_deadline(None)
        self._set_write_deadline(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data, and reject the request if its incomplete headers are already too large."""
        if self._in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self._in_head and self._head_size > self._limits.url_size + self._limits.headers_size:
            self._reject(*self._too_large())

    def on_message_begin(self) -> None:
        """Start the header timeout, unless it has run since the connection was made."""
        super().on_message_begin()
        self._in_head = True
        if self._read_deadline is None:
            self._set_read_deadline(self._limits.header_timeout)

    def on_headers_complete(self) -> None:
        """Start the body timeout and the application; reject headers that are too large."""
        size = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) > self._limits.url_size or size > self._limits.headers_size:
            self._rejection = self._too_large()
            # The parser wraps it in its own error, and uvicorn calls `send_400_response`.
            raise ValueError(self._rejection)
        self._in_head, self._head_size = False, 0
        if len(self.tasks) >= self._limits.requests:
            cast("dict[str, object]", self.scope)[OVERLOADED] = True
        self._set_read_deadline(self._limits.body_timeout)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Cancel the read deadline: the request is complete."""
        self._set_read_deadline(None)
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Start the write timeout: the client does not read."""
        super().pause_writing()
        self._set_write_deadline(self._limits.body_timeout)

    def resume_writing(self) -> None:
        """Cancel the write timeout: the client reads again."""
        self._set_write_deadline(None)
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        super().timeout_keep_alive_handler()
        self._set_write_deadline(self._limits.body_timeout)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's message is not in the error shape
        """Reject a request that could not be parsed."""
        self._reject(*self._rejection)

    def _too_large(self) -> tuple[HTTPStatus, dict[str, list[str]]]:
        if len(self.url) > self._limits.url_size:
            return HTTPStatus.REQUEST_URI_TOO_LONG, {"url": ["is too long"]}
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, {"headers": ["are too large"]}

    def _set_read_deadline(self, seconds: float | None) -> None:
        if self._read_deadline is not None:
            self._read_deadline.cancel()
            self._read_deadline = None
        if seconds is not None:
            self._read_deadline = self.loop.call_later(seconds, self._on_read_timeout)

    def _set_write_deadline(self, seconds: float | None) -> None:
        # Also for a closing transport, which waits for its write buffer to be read, without a timeout.
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None
        if seconds is not None:
            buffered = self.transport.get_write_buffer_size()
            self._write_deadline = self.loop.call_later(seconds, self._check_write_progress, buffered)

    def _check_write_progress(self, buffered: int) -> None:
        if self.transport.get_write_buffer_size() < buffered:
            # The client reads, but slowly.
            self._set_write_deadline(self._limits.body_timeout)
        else:
            self.transport.abort()

    def _on_read_timeout(self) -> None:
        self._read_deadline = None
        self._reject(HTTPStatus.REQUEST_TIMEOUT, {"request": ["timed out"]})

    def _reject(self, status: HTTPStatus, errors: dict[str, list[str]]) -> None:
        if self.transport.is_closing():
            return
        if self._in_head or not self.cycle.response_started:
            body = json.dumps({"errors": errors}).encode()
            request_id = uuid.uuid4().hex
            log.info("rejected", request_id=request_id, status=status.value)
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
        self._set_write_deadline(self._limits.body_timeout)
