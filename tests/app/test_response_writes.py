"""The head of a response is sent together with its body, unless the body may come much later."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from conduit_app.server import LimitedProtocol, Limits, ServerConfig
from conduit_app.settings import Settings
from tests.conftest import SECRET

LENGTH = (b"content-length", b"4")
HEAD = re.compile(rb"HTTP/1.1 200 OK\r\n.*?\r\n\r\n", re.DOTALL)


class RecordingTransport(asyncio.Transport):
    """A transport that records what is written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def writelines(self, list_of_data: Sequence[bytes]) -> None:  # type: ignore[override] # narrower than asyncio's
        self.writes.append(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Do nothing: what was written counts."""

    def resume_reading(self) -> None:
        """Do nothing: the requests are complete."""


async def writes_of(
    method: bytes, headers: Sequence[tuple[bytes, bytes]], parts: Sequence[bytes], *, is_complete: bool = True
) -> list[bytes]:
    """Return what is written at once of a response whose body has these parts, without its head."""

    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if is_complete:
            await send({"type": "http.response.body", "body": b""})

    config = ServerConfig(application, Limits.of(Settings(secret_key=SECRET)), log_config=None)
    config.load()
    state = ServerState()
    protocol = LimitedProtocol(config, state, {})
    transport = RecordingTransport()
    protocol.connection_made(transport)
    written: list[list[bytes]] = []
    for _ in range(2 if is_complete else 1):
        protocol.data_received(method + b" / HTTP/1.1\r\nHost: conduit.test\r\nExpect: 100-continue\r\n\r\n")
        await asyncio.gather(*state.tasks)
        written.append([HEAD.sub(b"head ", part) for part in transport.writes])
        transport.writes.clear()
    assert written[0] == written[-1]
    return written[0]


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "headers", "parts", "written"),
    [
        (b"GET", [LENGTH], [b"body"], [CONTINUE, b"head body", b""]),
        (b"GET", [LENGTH], [b"bo", b"dy"], [CONTINUE, b"head bo", b"dy", b""]),
        (b"GET", [(b"content-length", b"0")], [], [CONTINUE, b"head ", b""]),
        (b"GET", [], [b"body"], [CONTINUE, b"head ", b"4\r\nbody\r\n", b"0\r\n\r\n"]),
        (b"HEAD", [LENGTH], [], [CONTINUE, b"head "]),
    ],
    ids=["one part", "two parts", "no body", "unknown length", "HEAD"],
)
async def test_head_is_written_with_the_first_part_of_a_body_of_known_length(
    method: bytes, headers: Sequence[tuple[bytes, bytes]], parts: Sequence[bytes], written: Sequence[bytes]
) -> None:
    assert await writes_of(method, headers, parts) == written


async def test_head_is_written_if_the_application_fails_before_the_body() -> None:
    assert await writes_of(b"GET", [LENGTH], [], is_complete=False) == [CONTINUE, b"head "]
