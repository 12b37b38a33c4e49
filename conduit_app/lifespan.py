"""What a process does beside answering requests, and how it learns that it shall end."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType

from modules.kernel.infrastructure.messaging.messaging import Messaging

SHUTDOWN_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def run_background_tasks(messaging: Messaging) -> AsyncIterator[None]:
    """Deliver events, and hear other processes, for as long as the block lasts.

    What is being delivered at its end is finished.
    """
    relay = asyncio.create_task(messaging.signals.relay())
    delivering = asyncio.create_task(messaging.dispatcher.run()) if messaging.outbox.subscriptions else None
    try:
        with _on_shutdown_signal(messaging.signals.close):
            yield
    finally:
        messaging.signals.close()
        if delivering is not None:
            await delivering
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay


@contextmanager
def _on_shutdown_signal(then: Callable[[], None]) -> Iterator[None]:
    """Call this as soon as the process is told to end.

    The server answers what it has begun before it lets the application know. Streams have no end of
    their own, so they must know at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    servers = {number: signal.getsignal(number) for number in SHUTDOWN_SIGNALS}

    def end(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(then)
        server = servers[signal.Signals(number)]
        if callable(server):
            server(number, frame)

    chained = [number for number, server in servers.items() if callable(server)]
    for number in chained:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in chained:
            signal.signal(number, servers[number])
