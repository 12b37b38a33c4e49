"""Requests on one connection do not share context variables."""

import asyncio
from contextvars import ContextVar
from typing import Any

from uvicorn.server import ServerState

from conduit_app.server import LimitedProtocol, Limits, ServerConfig
from conduit_app.settings import Settings
from tests.conftest import SECRET

REQUEST = b"GET / HTTP/1.1\r\nHost: conduit\r\n"
variable: ContextVar[str] = ContextVar("variable", default="not set")


async def report_and_set(_scope: Any, _receive: Any, send: Any) -> None:
    """Return the variable's value, and set it."""
    body = variable.get().encode()
    variable.set("set by another request")
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def test_pipelined_request_starts_without_the_variables_of_the_one_before() -> None:
    """With them, it would read from a lagging replica when the one before was anonymous."""
    config = ServerConfig(report_and_set, Limits.of(Settings(secret_key=SECRET)), log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: LimitedProtocol(config, state, {}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(REQUEST + b"\r\n" + REQUEST + b"Connection: close\r\n\r\n")
        responses = await reader.read()
        writer.close()
    assert responses.count(b"not set") == 2
