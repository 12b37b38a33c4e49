"""Finds what blocks the event loop: computations in requests and handlers, and calls that are known to wait.

Wall-clock time would also count what a busy machine takes away. Computations are measured in CPU time of the
thread, without garbage collection. Calls that wait take no CPU time: Python's audit events name them
(https://docs.python.org/3/library/audit_events.html), except time.sleep() before Python 3.13.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType, coroutine
from typing import Any, TypeVar

MAX_CPU_SECONDS = 0.1
# A tracer, such as coverage's, takes a multiple of the time of the traced code.
MAX_TRACED_CPU_SECONDS = 0.5
# Packages whose code is checked: modules and plugins, and the application.
CHECKED = ("modules.", "conduit_")
NOT_CHECKED = ("conduit_devtools.",)
# These call operations that block on behalf of the event loop, such as a start of a process.
EVENT_LOOPS = ("asyncio.", "uvloop.")
WAITING_CALLS = frozenset(
    {
        "http.client.connect",
        "os.system",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "subprocess.Popen",
    }
)

T = TypeVar("T")


class BlockingGuard:
    """Records what blocks the event loop, while it is watching."""

    def __init__(self, cpu_seconds: Callable[[], float] = time.thread_time) -> None:
        self._cpu_seconds = cpu_seconds
        self._blocked: list[str] | None = None
        self._collecting_since = 0.0
        self._collecting_seconds = 0.0

    def install(self) -> None:
        """Listen to calls that wait and to garbage collections, until the end of the process."""
        sys.addaudithook(self._audit)
        gc.callbacks.append(self._collected)
        time.sleep = self._recorded(time.sleep)

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Yield a list that what blocks the event loop in this block is added to."""
        blocked: list[str] = []
        self._blocked = blocked
        try:
            yield blocked
        finally:
            self._blocked = None

    @coroutine
    def measured(self, work: Coroutine[Any, Any, T], name: str) -> Generator[Any, Any, T]:
        """Run a coroutine, and measure each of its steps between two awaits."""
        resume: Callable[[Any], Any] = work.send
        argument: Any = None
        while True:
            started, collected = self._cpu_seconds(), self._collecting_seconds
            try:
                awaited = resume(argument)
            except StopIteration as ended:
                result: T = ended.value
                return result
            finally:
                seconds = self._cpu_seconds() - started - (self._collecting_seconds - collected)
                limit = MAX_CPU_SECONDS if sys.gettrace() is None else MAX_TRACED_CPU_SECONDS
                if seconds > limit and self._blocked is not None:
                    self._blocked.append(f"{name} computed for {seconds * 1000:.0f} ms without an await")
            try:
                argument = yield awaited
                resume = work.send
            except BaseException as error:  # a cancellation is raised inside the coroutine
                resume, argument = work.throw, error

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in WAITING_CALLS and not (event == "socket.connect" and arguments[0].gettimeout() == 0):
            self._record(event)

    def _recorded(self, sleep: Callable[[Any], None]) -> Callable[[Any], None]:
        @wraps(sleep)
        def recorded_sleep(seconds: Any, /) -> None:
            if seconds:
                self._record("time.sleep")
            sleep(seconds)

        return recorded_sleep

    def _record(self, call: str) -> None:
        if self._blocked is None or asyncio._get_running_loop() is None:
            return
        caller = _checked_caller(sys._getframe())
        if caller is not None:
            place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
            self._blocked.append(f"{call} in {caller.f_code.co_qualname} ({place})")

    def _collected(self, phase: str, _details: object) -> None:
        if phase == "start":
            self._collecting_since = self._cpu_seconds()
        else:
            self._collecting_seconds += self._cpu_seconds() - self._collecting_since


def _checked_caller(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of checked code, unless an event loop makes the call for it."""
    while frame is not None:
        package = f"{frame.f_globals.get('__name__', '')}."
        if package.startswith(EVENT_LOOPS):
            return None
        if package.startswith(CHECKED) and not package.startswith(NOT_CHECKED):
            return frame
        frame = frame.f_back
    return None


GUARD = BlockingGuard()


def measure_requests(application_class: Any) -> None:
    """Measure the requests to the API of every application of this class."""
    call = application_class.__call__

    @wraps(call)
    async def measured_call(application: Any, scope: Any, receive: Any, send: Any) -> None:
        handled = call(application, scope, receive, send)
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            handled = GUARD.measured(handled, f"{scope['method']} {scope['path']}")
        await handled

    application_class.__call__ = measured_call


def measure_handlers(messaging_class: Any) -> None:
    """Measure the handlers of every event."""
    subscribe = messaging_class.subscribe

    @wraps(subscribe)
    def measured_subscribe(messaging: Any, module: str, event: Any, provider: Any, delivery: Any) -> None:
        def measured_provider() -> Any:
            handler, name = provider(), f"the handler of {event.__name__} in {module}"

            async def handle(*arguments: Any) -> Any:
                effect = await GUARD.measured(handler(*arguments), name)
                return effect and (lambda: GUARD.measured(effect(), name))

            return handle

        subscribe(messaging, module, event, measured_provider, delivery)

    messaging_class.subscribe = measured_subscribe
