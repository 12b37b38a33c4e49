"""The processes of `conduit serve`: signals, the supervisor and its workers, systemd."""

import errno
import os
import re
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen

import httpx2
import pytest

from conduit_app.server import Limits, Server, ServerConfig
from conduit_app.settings import Settings
from tests import program
from tests.postgresql import wait_until
from tests.program import SERVES, LineReader, RunningServer, served, start_process
from tests.raw_http import EMPTY_LOGIN

pytestmark = pytest.mark.slow

SETTINGS = {"SECRET_KEY": "a secret of these tests, and of nothing else"}
STARTED = re.compile(r"Started server process \[(\d+)\]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a migrated database."""
    assert program.conduit(tmp_path, "migrate", **SETTINGS).returncode == 0
    return tmp_path


@pytest.fixture(autouse=True)
def hangup_not_ignored() -> Iterator[None]:
    """Let the started processes not inherit that SIGHUP is ignored, as under nohup."""
    previous = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, previous)


@pytest.fixture
def two_workers(folder: Path) -> Iterator[tuple[RunningServer, set[int]]]:
    """Return a server with two workers, and their process ids."""
    with served(folder, "--workers", "2", **SETTINGS) as conduit:
        yield conduit, {int(conduit.wait_for_log(STARTED)[1]) for _ in range(2)}


def is_running(pid: int) -> bool:
    """Return whether the process runs; one that has ended may wait for its parent."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_workers_shut_down_if_their_supervisor_is_killed(two_workers: tuple[RunningServer, set[int]]) -> None:
    conduit, workers = two_workers
    conduit.signal(signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, workers)), "workers without a supervisor run on")
    with socket.socket() as free:
        free.bind(conduit.address)


def test_hangup_replaces_the_workers_while_requests_are_served(
    two_workers: tuple[RunningServer, set[int]],
) -> None:
    conduit, workers = two_workers
    is_reloaded, statuses = threading.Event(), set[int]()

    def request() -> None:
        # A connection that is reused, and one for each request.
        with conduit.client() as client:
            while not is_reloaded.is_set():
                statuses.add(client.post("/api/users/login", json={}).status_code)
                statuses.add(httpx2.post(f"{conduit.url}/api/users/login", json={}).status_code)

    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(request) for _ in range(4)]
        try:
            conduit.signal(signal.SIGHUP)
            successors = {int(conduit.wait_for_log(STARTED)[1]) for _ in workers}
            wait_until(lambda: not any(map(is_running, workers)), "the former workers run on")
        finally:
            is_reloaded.set()
        for client in clients:
            client.result()
    assert statuses == {422}
    assert all(map(is_running, successors))


@pytest.mark.parametrize("stopped", [signal.SIGKILL, signal.SIGSTOP], ids=lambda stopped: stopped.name)
def test_log_says_why_a_worker_is_replaced(folder: Path, stopped: signal.Signals) -> None:
    with served(folder, "--workers", "2", **SETTINGS, WORKER_TIMEOUT="5") as conduit:
        worker, _ = (int(conduit.wait_for_log(STARTED)[1]) for _ in range(2))
        os.kill(worker, stopped)
        reason = "has ended" if stopped is signal.SIGKILL else "unresponsive, killing it"
        conduit.wait_for_log(re.compile(rf"worker {reason}.*{worker}"))
        conduit.wait_for_log(STARTED)


def test_termination_does_not_wait_for_a_stopped_worker(two_workers: tuple[RunningServer, set[int]]) -> None:
    conduit, workers = two_workers
    stopped, other = workers
    os.kill(stopped, signal.SIGSTOP)
    conduit.signal(signal.SIGTERM)
    wait_until(lambda: not is_running(other), "the other worker does not shut down")
    os.kill(stopped, signal.SIGCONT)
    assert conduit.wait() == 0


@pytest.fixture
def starting(folder: Path) -> Iterator[tuple[Popen[str], int, set[int]]]:
    """Return a program that starts, its port, and its two workers, which are stopped in the middle of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with start_process(folder, "serve", "--port", str(port), "--workers", "2", **SETTINGS) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_until(lambda: len(starting_workers(children)) == 2, "the workers do not start")
        workers = starting_workers(children)
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        yield process, port, workers


def resume(workers: Iterable[int]) -> None:
    """Let stopped processes run on."""
    for worker in workers:
        os.kill(worker, signal.SIGCONT)


def test_connections_are_refused_until_a_worker_can_serve(starting: tuple[Popen[str], int, set[int]]) -> None:
    process, port, workers = starting
    assert is_refused(("127.0.0.1", port))
    resume(workers)
    url = LineReader(process.stderr).wait_for(SERVES)[1]
    assert httpx2.get(f"{url}/api/tags").status_code == 200


def test_port_that_another_program_took_meanwhile_is_an_error(
    starting: tuple[Popen[str], int, set[int]],
) -> None:
    process, port, workers = starting
    with socket.create_server(("127.0.0.1", port)):
        resume(workers)
        _, errors = process.communicate(timeout=program.TIMEOUT_SECONDS)
    assert process.returncode == 1
    assert "cannot listen" in errors


async def test_connections_that_wait_when_the_port_is_closed_are_served() -> None:
    async def application(
        _scope: object, _receive: object, send: Callable[[object], Awaitable[None]]
    ) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    settings = Settings(secret_key=SETTINGS["SECRET_KEY"])
    config = ServerConfig(application, Limits.of(settings), lifespan="off", log_config=None)
    config.load()
    server = Server(config)
    server.lifespan, server.servers = config.lifespan_class(config), []
    with ExitStack() as stack:
        listening = socket.create_server(("127.0.0.1", 0))
        address = listening.getsockname()
        clients = [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(3)]
        for client in clients:
            client.sendall(EMPTY_LOGIN)
        await server.shutdown([listening])
        assert {client.recv(12) for client in clients} == {b"HTTP/1.1 204"}
        assert is_refused(address)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_port_is_closed_while_a_process_waits_for_a_last_request(folder: Path, workers: str) -> None:
    with (
        served(folder, "--workers", workers, **SETTINGS) as conduit,
        socket.create_connection(conduit.address, timeout=30) as slow,
    ):
        slow.sendall(EMPTY_LOGIN[:-1])
        conduit.signal(signal.SIGTERM)
        wait_until(lambda: is_refused(conduit.address), "the port is not closed")
        slow.sendall(EMPTY_LOGIN[-1:])
        assert slow.recv(12) == b"HTTP/1.1 422"
        assert conduit.wait() == 0


def is_refused(address: tuple[str, int]) -> bool:
    """Return whether nothing listens on the address."""
    with socket.socket() as client:
        return client.connect_ex(address) == errno.ECONNREFUSED


def test_worker_that_is_killed_while_it_starts_is_replaced(
    starting: tuple[Popen[str], int, set[int]],
) -> None:
    process, _, workers = starting
    os.kill(min(workers), signal.SIGKILL)
    resume(workers - {min(workers)})
    lines = LineReader(process.stderr)
    lines.wait_for(re.compile(r"worker has ended.*exit_code.*-9"))
    for _ in range(2):
        lines.wait_for(STARTED)


def starting_workers(children: Path) -> set[int]:
    """Return the worker processes, without the process that tracks their resources."""
    pids = map(int, children.read_text(encoding="ascii").split())
    return {pid for pid in pids if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")}


def test_unusable_address_of_systemd_is_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "nowhere"))
    with served(folder, **SETTINGS) as conduit, conduit.client() as client:
        conduit.wait_for_log(re.compile("systemd not notified"))
        assert client.get("/api/tags").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2], ids=lambda number: number.name)
def test_user_signals_are_ignored(folder: Path, number: signal.Signals) -> None:
    with served(folder, **SETTINGS) as conduit, conduit.client() as client:
        conduit.signal(number)
        conduit.wait_for_log(re.compile(f"signal ignored.*{number.name}"))
        assert client.get("/api/tags").status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_systemd_is_notified_when_requests_are_served(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(program.TIMEOUT_SECONDS)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with served(folder, "--workers", workers, **SETTINGS) as conduit, conduit.client() as client:
            assert systemd.recv(100) == b"READY=1"
            assert client.get("/health/ready").status_code == 200
