"""Background tasks of a process, and its graceful shutdown."""

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
    """Run the outbox dispatcher and the listener for signals of other processes, until the block ends.

    The delivery in progress is finished then.
    """
    relay = asyncio.create_task(messaging.signals.relay())
    dispatcher = asyncio.create_task(messaging.dispatcher.run()) if messaging.outbox.subscriptions else None
    try:
        with _on_shutdown_signal(messaging.signals.close):
            yield
    finally:
        messaging.signals.close()
        if dispatcher is not None:
            await dispatcher
        relay.cancel()
        with suppress(asyncio.CancelledError):
            await relay


@contextmanager
def _on_shutdown_signal(callback: Callable[[], None]) -> Iterator[None]:
    """Call this as soon as the process receives a shutdown signal.

    The server drains requests before it shuts the application down. Streams never end by themselves, so
    they must be closed at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    server_handlers = {signum: signal.getsignal(signum) for signum in SHUTDOWN_SIGNALS}

    def handle(signum: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)
        server_handler = server_handlers[signal.Signals(signum)]
        if callable(server_handler):
            server_handler(signum, frame)

    chained = [signum for signum, server_handler in server_handlers.items() if callable(server_handler)]
    for signum in chained:
        signal.signal(signum, handle)
    try:
        yield
    finally:
        for signum in chained:
            signal.signal(signum, server_handlers[signum])
