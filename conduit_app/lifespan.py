"""Background tasks of a process, and its graceful shutdown."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType

from conduit_app.composition import Composition

SHUTDOWN_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def run_background_tasks(composition: Composition) -> AsyncIterator[None]:
    """Run the outbox dispatcher, the jobs and the listener for signals of other processes in the block.

    The deliveries in progress are finished then, and the jobs in progress are cancelled.
    """
    messaging = composition.messaging
    tasks = messaging.signals.relay(), composition.jobs.run(), composition.maintenance.watch()
    cancelled = [asyncio.create_task(task) for task in tasks]
    if (write_ahead_log := composition.database.write_ahead_log) is not None:
        cancelled.append(asyncio.create_task(write_ahead_log.keep_small()))
    if (replica := composition.database.replica) is not None:
        # Before the first request.
        await replica.measure()
        cancelled.append(asyncio.create_task(replica.watch()))
    dispatcher = asyncio.create_task(messaging.dispatcher.run()) if messaging.outbox.subscriptions else None
    try:
        with _on_shutdown_signal(messaging.signals.close):
            yield
    finally:
        messaging.signals.close()
        composition.jobs.close()
        if dispatcher is not None:
            await dispatcher
        for task in cancelled:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


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
