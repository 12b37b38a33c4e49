"""HTTP over a socket, for requests that no client library sends."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 20.0

EMPTY_LOGIN = (
    b"POST /api/users/login HTTP/1.1\r\nHost: conduit\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)
"""A request that is answered by 422."""


@dataclass(frozen=True)
class RawResponse:
    """A response as received, with header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body's content."""
        return json.loads(self.body)


class RawConnection:
    """A connection that sends bytes and reads responses with a Content-Length."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._file = connected.makefile("rb")

    def close(self) -> None:
        """Close the connection."""
        self._file.close()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def read_response(self, method: str = "GET") -> RawResponse:
        """Return the next response; it is the response to a request with this method."""
        status_line = self._file.readline()
        assert status_line.startswith(b"HTTP/1.1 "), status_line
        lines = iter(self._file.readline, b"\r\n")
        headers = {name.lower(): value for name, value in (_parse(line) for line in lines)}
        size = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        return RawResponse(int(status_line.split()[1]), headers, self._file.read(size))

    def read_to_end(self) -> bytes:
        """Return all bytes until the server closes the connection."""
        return self._file.read()


@contextmanager
def raw_connection(address: tuple[str, int], source: str = "127.0.0.1") -> Iterator[RawConnection]:
    """Yield a connection from a loopback address."""
    with socket.create_connection(address, TIMEOUT_SECONDS, source_address=(source, 0)) as connected:
        connection = RawConnection(connected)
        try:
            yield connection
        finally:
            connection.close()


def _parse(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode().rstrip("\r\n").partition(": ")
    return name, value
