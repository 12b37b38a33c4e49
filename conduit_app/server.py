"""uvicorn with limits and timeouts for its clients."""

import asyncio
import errno
import json
import os
import socket
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from operator import itemgetter
from typing import Any, NoReturn, cast

import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from conduit_app.client_network import Network, client_network, parse_network
from conduit_app.gc_paused import gc_paused
from conduit_app.lean_imports import structlog
from conduit_app.middleware.overload import EXEMPT_PATHS, PROBLEM, RETRY_AFTER_SECONDS
from conduit_app.middleware.request_log import REQUEST_ID
from conduit_app.request_head import Rejection, head_rejection
from conduit_app.settings import Settings

log = structlog.get_logger("conduit.server")

MALFORMED: Rejection = (HTTPStatus.BAD_REQUEST, {"request": ["is not valid HTTP"]})
TIMED_OUT: Rejection = (HTTPStatus.REQUEST_TIMEOUT, {"request": ["timed out"]})
BUSY: Rejection = (HTTPStatus.SERVICE_UNAVAILABLE, PROBLEM)
URL_TOO_LONG: Rejection = (HTTPStatus.REQUEST_URI_TOO_LONG, {"url": ["is too long"]})
HEADERS_TOO_LARGE: Rejection = (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, {"headers": ["are too large"]})
TRAILERS_TOO_LARGE: Rejection = (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, {"trailers": ["are too large"]})
# Requests on one connection that wait for the responses to earlier ones; each takes some 3 kB.
MAX_PIPELINED = 100
# Connections of a process above the limits, of which each may send one request of monitoring.
SPARE_CONNECTIONS = 10
# How long a connection without a request stays open at the shutdown, for one that is on its way.
LAST_REQUEST_SECONDS = 0.5
CLOSING_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one process. Sizes are in bytes, times in seconds."""

    url_size: int
    headers_size: int
    connections: int
    connections_per_address: int
    header_timeout: float
    body_timeout: float
    trusted_proxies: tuple[Network, ...]
    """Networks that may have any number of the `connections`."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits of the settings."""
        return cls(
            settings.max_url_size,
            settings.max_headers_size,
            settings.max_connections,
            settings.max_connections_per_address,
            settings.header_timeout,
            settings.body_timeout,
            tuple(map(parse_network, settings.trusted_proxies)),
        )


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, for `LimitedProtocol`."""

    def __init__(self, app: str | Callable[..., Any], limits: Limits, **options: Any) -> None:
        # uvicorn starts a pipelined request in the context of the one before, unless it resets it.
        super().__init__(app, http=LimitedProtocol, ws="none", reset_contextvars=True, **options)
        self.limits = limits
        self.connections_per_network: Counter[str] = Counter()
        self.spare_connections = 0
        self.is_shutting_down = False

    def load(self) -> None:
        """Load the application in the serving process."""
        with gc_paused():
            super().load()


class Server(uvicorn.Server):
    """uvicorn's server, for bound sockets, which listen as soon as it can serve requests.

    Until then, clients and proxies are refused at once and can try another server. It ends the process with
    `STARTUP_FAILURE` if another program has begun to listen on the address.
    """

    config: ServerConfig

    def __init__(self, config: ServerConfig, on_serving: Callable[[], object] | None = None) -> None:
        super().__init__(config)
        self._on_serving = on_serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen, then call `on_serving`."""
        try:
            await super().startup(sockets)
            # Again: uvloop ignores that it fails.
            for bound in sockets or ():
                bound.listen(self.config.backlog)
        except OSError as error:
            # uvloop has closed the socket if another program has begun to listen there.
            problem = os.strerror(errno.EADDRINUSE if error.errno == errno.EBADF else error.errno or 0)
            log.error("cannot listen", error=problem)  # noqa: TRY400 - no fault of the code
            await self.lifespan.shutdown()
            sys.exit(STARTUP_FAILURE)
        if self._on_serving is not None and not self.should_exit:
            self._on_serving()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port, serve one request more on each connection, and shut down the application."""
        self.config.is_shutting_down = True
        # Closing a socket resets the connections that nobody has accepted. uvloop closes its own a little
        # later, and what arrives until then is accepted from a duplicate.
        duplicates = [listening.dup() for listening in sockets or ()]
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        await asyncio.sleep(CLOSING_SECONDS)
        accepted = [client for listening in duplicates for client in _accept_and_close(listening)]
        loop = asyncio.get_running_loop()
        for client in accepted:
            # One that has gone meanwhile.
            with suppress(OSError):
                await loop.connect_accepted_socket(self._create_protocol, client)
        await super().shutdown(sockets)

    def _create_protocol(self) -> "LimitedProtocol":
        return LimitedProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


class _ResponseTransport:
    """The transport of a connection for its responses: it sends the head together with the first of the body.

    uvicorn writes one after the other, which is two system calls and two packets. A head is sent at once if
    no body follows, or one of unknown length, such as a stream, which may begin much later. With a body of
    known length, it waits until the first of that is sent, or the connection is closed.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.is_closing = transport.is_closing

    def start(self, response: RequestResponseCycle) -> None:
        """Begin the next response of the connection."""
        self._response = response
        self._head: bytes | None = None
        self._is_head_written = False

    def close(self) -> None:
        """Close the connection: the response is complete, or the application has failed."""
        if self._head is not None:
            self.write(b"")
        self._transport.close()

    def write(self, data: bytes) -> None:
        """Write what is part of the response, or comes before it (100 Continue)."""
        if self._head is not None:
            self._transport.writelines((self._head, data))
            self._head = None
        elif self._response.response_started and not self._is_head_written:
            self._is_head_written = True
            if self._response.expected_content_length and self._response.scope["method"] != "HEAD":
                self._head = data
            else:
                self._transport.write(data)
        else:
            self._transport.write(data)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which has no read timeout and no limit on the size of headers.

    Slow requests get 408; clients that stop reading are disconnected. Headers or trailers that are too
    large get 431, a URL that is too long 414, an invalid head what `head_rejection` returns, and a
    connection over the limits 503, all in the API's error shape. Earlier requests of the connection get
    their responses first. Trailers are discarded, which RFC 9110, 6.5.1 permits.

    While the client has to send, a read deadline is set: from the connection or the first byte after a
    request to the end of a head, then to the end of its body. None is set while a response is awaited.
    An idle connection, which has sent nothing since its last response, has uvicorn's keep-alive timeout.
    """

    config: ServerConfig

    def __init__(self, config: ServerConfig, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._limits = config.limits
        self.waiting_since = self.loop.time()
        self.network: str | None = None
        self._read_deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None
        # Bytes of the head, the trailers or the start of a chunk that is not complete.
        self._incomplete_size = 0
        self.url = b""
        self._in_head = True
        self._in_message = False
        self._trailers = self._trailers_size = 0
        self._parse_rejection = MALFORMED
        self._is_rejected = self._is_spare = False
        # Sent after the responses to earlier requests.
        self._pending_rejection: Rejection | None = None
        # uvicorn's `cycle` is that of the last request, and may wait in its `pipeline`.
        self._responding: RequestResponseCycle | None = None

    @property
    def _is_responding(self) -> bool:
        return self._responding is not None and not self._responding.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        """Accept the connection, or reject it with 503 if there are too many.

        An idle connection is closed for it, or else the oldest incomplete request is rejected, of the
        connection's own address or of the one with most connections: clients that send nothing do not
        keep out others. If all are being served, it may still be a probe, and is rejected if it is not.
        """
        super().connection_made(transport)
        self._response_transport = _ResponseTransport(transport)
        if self.client is not None:
            self.network = client_network(self.client[0], self._limits.trusted_proxies)
        if self.network is not None:
            self.config.connections_per_network[self.network] += 1
        if self._exceeds_limits():
            if self.config.spare_connections >= SPARE_CONNECTIONS:
                self._reject(*BUSY)
                return
            self._is_spare = True
            self.config.spare_connections += 1
        self._set_read_deadline(self._limits.header_timeout)
        if self.config.is_shutting_down:
            # Accepted before, with the last ones.
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all deadlines."""
        self._set_read_deadline(None)
        self._set_write_deadline(None)
        if self.network is not None:
            self.config.connections_per_network[self.network] -= 1
            if not self.config.connections_per_network[self.network]:
                del self.config.connections_per_network[self.network]
        self.config.spare_connections -= self._is_spare
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data; reject the request if an incomplete part of it is already too large."""
        if self._is_rejected:
            return
        self._incomplete_size += len(data)
        super().data_received(data)
        if (rejection := self._size_rejection()) is not None:
            self._reject(*rejection)
        elif self._read_deadline is None:
            if not self._is_responding:
                # The data ended uvicorn's keep-alive timeout, also if it is no more than an empty line.
                self._set_read_deadline(self._limits.header_timeout)
            elif not self._in_head and self._responding is self.cycle:
                self._set_read_deadline(self._limits.body_timeout)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_message = True
        self._trailers = self._trailers_size = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header to the request; discard a trailer."""
        if self._in_head:
            super().on_header(name, value)
            return
        self._trailers += 1
        self._trailers_size += len(name) + len(value)
        if self._trailers_size > self._limits.headers_size:
            self._fail(TRAILERS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Start the application, unless the head is rejected."""
        if (rejection := self._head_rejection()) is not None:
            self._fail(rejection)
        super().on_headers_complete()
        self._in_head, self._incomplete_size = False, 0
        # After an upgrade, the parser ignores the data as another protocol's.
        if self.parser.should_upgrade() or self._is_spare or self.config.is_shutting_down:
            self.cycle.keep_alive = False
        # That of the body is set when the data ends without it: most requests have none.
        self._set_read_deadline(None)

    def on_chunk_header(self) -> None:
        """Begin the data of a chunk, or the trailers."""
        self._incomplete_size = 0

    def on_body(self, body: bytes) -> None:
        """Add data to the body."""
        self._incomplete_size = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Cancel the read deadline: the request is complete."""
        self._set_read_deadline(None)
        self._in_head, self._in_message, self._incomplete_size = True, False, 0
        if self._trailers:
            log.info("trailers discarded", count=self._trailers, size=self._trailers_size)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Start the next request, send the rejection that waits, or wait for data."""
        super().on_response_complete()
        if self.transport.is_closing():
            # Until the client has read the response.
            self._set_write_deadline(self._limits.body_timeout)
        elif self._is_responding:
            if self._responding is self.cycle and self.cycle.more_body:
                self._set_read_deadline(self._limits.body_timeout)
        elif self._pending_rejection is not None:
            self._send_rejection(*self._pending_rejection)
        elif self._in_message and self._read_deadline is None:
            self._set_read_deadline(self._limits.header_timeout)

    def shutdown(self) -> None:
        """Close the connection after the response, or if no request arrives in `LAST_REQUEST_SECONDS`."""
        if self._is_responding:
            super().shutdown()
        else:
            self.loop.call_later(LAST_REQUEST_SECONDS, super().shutdown)

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
        self._reject(*self._parse_rejection)

    def reject_if_incomplete(self) -> bool:
        """Reject the request if the server waits for the rest of it; return whether it does."""
        if self._read_deadline is None or self._is_rejected:
            return False
        self._reject(*BUSY)
        return True

    def _exceeds_limits(self) -> bool:
        connections = cast("set[LimitedProtocol]", self.connections)
        if (
            self.network is not None
            and self.config.connections_per_network[self.network] > self._limits.connections_per_address
        ):
            own = [other for other in connections if other.network == self.network]
            return not _close_idle(own) and not _reject_oldest_incomplete(own)
        if len(connections) <= self._limits.connections:
            return False
        per_network = self.config.connections_per_network
        busiest = max(per_network, key=per_network.__getitem__, default="")
        return not _close_idle(connections) and not _reject_oldest_incomplete(
            other for other in connections if other.network == busiest
        )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._responding = cycle
        self._response_transport.start(cycle)
        cycle.transport = cast("asyncio.Transport", self._response_transport)
        super()._start_asgi_task(cycle, app)

    def _size_rejection(self) -> Rejection | None:
        if not self._in_head:
            return TRAILERS_TOO_LARGE if self._incomplete_size > self._limits.headers_size else None
        if self._incomplete_size <= self._limits.url_size + self._limits.headers_size:
            return None
        return URL_TOO_LONG if len(self.url) > self._limits.url_size else HEADERS_TOO_LARGE

    def _head_rejection(self) -> Rejection | None:
        if self._is_spare and self.url.partition(b"?")[0].decode("latin-1") not in EXEMPT_PATHS:
            return BUSY
        if len(self.url) > self._limits.url_size:
            return URL_TOO_LONG
        if sum(len(name) + len(value) for name, value in self.headers) > self._limits.headers_size:
            return HEADERS_TOO_LARGE
        if len(self.pipeline) >= MAX_PIPELINED:
            return BUSY
        return head_rejection(
            self.parser.get_http_version(),
            self.parser.get_method(),
            self.headers,
            upgrades=self.parser.should_upgrade(),
        )

    def _fail(self, rejection: Rejection) -> NoReturn:
        # The parser wraps the exception in its own, and uvicorn calls `send_400_response`.
        self._parse_rejection = rejection
        raise ValueError(rejection)

    def _set_read_deadline(self, seconds: float | None) -> None:
        if self._read_deadline is not None:
            self._read_deadline.cancel()
            self._read_deadline = None
        if seconds is not None:
            self.waiting_since = self.loop.time()
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
        if self._in_message or self.cycle is None:
            self._reject(*TIMED_OUT)
        else:
            # Empty lines after a response: a 408 might be taken for the response to the next request.
            self.timeout_keep_alive_handler()

    def _reject(self, status: HTTPStatus, errors: dict[str, list[str]]) -> None:
        """Send an error and close the connection, after the responses to the requests before this one."""
        if self._is_rejected:
            return
        self._is_rejected = True
        self._set_read_deadline(None)
        if not self._in_head and self._responding is self.cycle:
            # In the body of the request that the application is processing.
            if self.cycle.response_started:
                self._close()
            else:
                self._send_rejection(status, errors)
            return
        if not self._in_head:
            # In the body of a request that waits.
            self.pipeline.popleft()
        if self._is_responding:
            self._pending_rejection = status, errors
            self.flow.pause_reading()
        else:
            self._send_rejection(status, errors)

    def _send_rejection(self, status: HTTPStatus, errors: dict[str, list[str]]) -> None:
        if self.transport.is_closing():
            return
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
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self._set_write_deadline(self._limits.body_timeout)


def _close_idle(connections: Iterable[LimitedProtocol]) -> bool:
    """Close the connection that has been idle for the longest time; return whether there is one."""
    idle = [
        (connection.timeout_keep_alive_task.when(), connection)
        for connection in connections
        if connection.timeout_keep_alive_task is not None and not connection.transport.is_closing()
    ]
    if idle:
        _, oldest = min(idle, key=itemgetter(0))
        oldest.timeout_keep_alive_handler()
    return bool(idle)


def _accept_and_close(listening: socket.socket) -> Sequence[socket.socket]:
    """Accept the connections that wait on the socket, and close it at once."""
    accepted = []
    listening.setblocking(False)
    with closing(listening), suppress(BlockingIOError):
        while True:
            client, _ = listening.accept()
            accepted.append(client)
    return accepted


def _reject_oldest_incomplete(connections: Iterable[LimitedProtocol]) -> bool:
    """Reject the oldest request that is incomplete; return whether there is one."""
    return any(
        connection.reject_if_incomplete()
        for connection in sorted(connections, key=lambda connection: connection.waiting_since)
    )
