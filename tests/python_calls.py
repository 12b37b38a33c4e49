"""The Python calls of a request: its cost, the same on every machine."""

import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from starlette.types import ASGIApp, Message

from conduit_devtools import blocking_guard

WARM_UP = 5
# PEP 709: no calls of their own since Python 3.12.
COMPREHENSIONS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
# The turns of the event loop: how many there are while a thread commits depends on the machine.
EVENT_LOOP = frozenset({"_run_once", "_run", "select", "_process_events"})
# The guard of the event loop measures each step of a request in tests only.
GUARD = str(Path(blocking_guard.__file__))


@dataclass(frozen=True)
class AsgiRequest:
    """A request sent to an ASGI application directly, because a client would make calls of its own."""

    path: str
    method: str = "GET"
    query: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    async def send(self, application: ASGIApp) -> int:
        """Return the status of the response."""
        headers = [(b"host", b"conduit.test"), (b"user-agent", b"test"), (b"accept", b"*/*"), *self.headers]
        if self.body:
            headers.append((b"content-type", b"application/json"))
            headers.append((b"content-length", b"%d" % len(self.body)))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 5000),
            "method": self.method,
            "root_path": "",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": self.query.encode(),
            "headers": headers,
            "state": {},
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await application(scope, receive, send)
        return int(sent[0]["status"])


async def python_calls(action: Callable[[], Awaitable[object]], repetitions: int = 10) -> Counter[str]:
    """Return how often each Python function is called by an action on average, in this thread.

    The first runs of the action are not counted: they fill caches. A coroutine that is resumed counts as
    a call.
    """
    for _ in range(WARM_UP):
        await action()
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or code.co_filename == GUARD:
            return
        if code.co_name not in COMPREHENSIONS | EVENT_LOOP:
            calls[f"{code.co_qualname} {code.co_filename}"] += 1

    sys.setprofile(count)
    try:
        for _ in range(repetitions):
            await action()
    finally:
        sys.setprofile(None)
    return Counter({function: round(count / repetitions) for function, count in calls.items()})
