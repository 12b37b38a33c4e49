"""Processes that watch over each other: the supervisor, its workers, and systemd."""

import asyncio
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import structlog
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from conduit_app.server import Server, ServerConfig

log = structlog.get_logger("conduit.server")


class Worker(Process):
    """uvicorn's worker process, with health checks that do not wait for the reply."""

    config: ServerConfig

    pinged_at: float | None = None
    """When the ping was sent to which it has not replied yet, on the monotonic clock."""

    is_serving = False
    """Whether it has replied that it accepts requests."""

    @cached_property
    def server(self) -> Server:
        """The server of the worker process."""
        return Server(self.config)

    def check(self) -> None:
        """Read its reply if there is one, or send the next ping."""
        try:
            if self.pinged_at is None:
                self.parent_conn.send(b"ping")
                self.pinged_at = time.monotonic()
            elif self.parent_conn.poll():
                self.is_serving, self.pinged_at = self.parent_conn.recv(), None
        except (OSError, EOFError):
            # It is ending.
            return

    def is_silent(self, seconds: float) -> bool:
        """Return whether it has not replied for so long."""
        return self.pinged_at is not None and time.monotonic() - self.pinged_at > seconds


class Supervisor(Multiprocess):
    """uvicorn's supervisor of workers, which waits for none of them, so that it always handles signals.

    It logs why it replaces a worker. After SIGHUP it replaces one after the other: each serves before its
    predecessor gets SIGTERM. It calls `on_serving` once, when the first one serves.
    """

    config: ServerConfig

    is_failed = False
    """Whether it has stopped because a worker cannot start."""

    processes: list[Worker]  # type: ignore[assignment] # Worker is the only kind in it

    def __init__(
        self, config: ServerConfig, sockets: list[socket.socket], on_serving: Callable[[], object]
    ) -> None:
        super().__init__(config, sockets)
        self._on_serving: Callable[[], object] | None = on_serving
        self._outdated: list[Worker] = []
        self._successor: Worker | None = None
        self._ending: list[Worker] = []

    def init_processes(self) -> None:
        """Start the workers."""
        self.processes += [self._start() for _ in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        """Replace the workers that have ended or are unresponsive, and continue a rolling restart."""
        seconds = self.config.timeout_worker_healthcheck
        for index, worker in enumerate(self.processes):
            worker.check()
            if worker.is_serving and self._on_serving is not None:
                self._on_serving()
                self._on_serving = None
            if not worker.process.is_alive():
                if worker.exitcode == STARTUP_FAILURE:
                    log.error("worker cannot start, stopping", pid=worker.pid)
                    self.is_failed = True
                    self.should_exit.set()
                    return
                log.warning("worker has ended", pid=worker.pid, exit_code=worker.exitcode)
            elif worker.is_silent(seconds):
                log.warning("worker unresponsive, killing it", pid=worker.pid, seconds=seconds)
                worker.kill()
            else:
                continue
            worker.join()
            self.processes[index] = self._start()
        self._continue_restart()

    def handle_hup(self) -> None:
        """Begin to replace all workers."""
        log.info("replacing the workers", signal="SIGHUP")
        self._outdated = list(self.processes)

    def terminate_all(self) -> None:
        """Close the port, and let all workers shut down."""
        for bound in self.sockets:
            bound.close()
        for worker in [*self.processes, *filter(None, [self._successor])]:
            worker.terminate()

    def join_all(self) -> None:
        """Wait for the end of all workers."""
        for worker in [*self.processes, *filter(None, [self._successor]), *self._ending]:
            worker.join()

    def _start(self) -> Worker:
        worker = Worker(self.config, self.sockets)
        worker.start()
        return worker

    def _continue_restart(self) -> None:
        self._ending = [worker for worker in self._ending if worker.process.is_alive()]
        # Those that were replaced meanwhile are not outdated.
        self._outdated = [worker for worker in self._outdated if worker in self.processes]
        if self._successor is None:
            if self._outdated and not self._ending:
                self._successor = self._start()
            return
        self._successor.check()
        if self._successor.is_serving and self._outdated:
            former = self._outdated.pop(0)
            self.processes[self.processes.index(former)] = self._successor
            former.terminate()
            self._ending.append(former)
        elif (
            self._successor.process.is_alive()
            and not self._successor.is_silent(self.config.timeout_worker_healthcheck)
            and self._outdated
        ):
            return
        else:
            log.error("worker cannot be replaced, keeping the others", pid=self._successor.pid)
            self._successor.kill()
            self._outdated.clear()
        self._successor = None


@contextmanager
def exiting_with_supervisor() -> Iterator[None]:
    """In a worker, shut down gracefully if the supervisor ends, which then cannot stop it any more.

    Signals that only the supervisor handles are ignored: a terminal sends SIGHUP to all of its processes.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    loop, sentinel = asyncio.get_running_loop(), supervisor.sentinel
    for signum in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, signal.SIG_IGN)

    def shut_down() -> None:
        loop.remove_reader(sentinel)
        log.warning("supervisor has ended, shutting down")
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(sentinel, shut_down)
    try:
        yield
    finally:
        loop.remove_reader(sentinel)


def notify_ready() -> None:
    """Notify systemd, if it waits for that, that requests are served.

    https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            # A leading @ stands for the null byte of an abstract address.
            systemd.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            systemd.sendall(b"READY=1")
    except OSError as error:
        log.warning("systemd not notified", error=repr(error))
