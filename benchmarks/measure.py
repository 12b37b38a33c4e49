"""Starts servers, loads them with wrk, and reads what each request cost."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

SERVER_CORE, LOAD_CORE = 0, 1
CONNECTIONS, WRITERS = 16, 8
TIMEOUT_SECONDS = 20


class BenchError(Exception):
    """The benchmark cannot run; the message is one line for whoever called it."""


@dataclass(frozen=True, slots=True)
class Target:
    """One operation: where it is asked for, and how."""

    name: str
    path: str
    token: str | None = None
    script: str | None = None
    """Lua for wrk, where requests differ from each other or carry a body."""
    background_load: "Target | None" = None
    """What `WRITERS` connections ask at the same time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round of one target showed. Times are in milliseconds, processor time in microseconds."""

    requests_per_second: float
    p50: float
    p99: float
    cpu: float
    errors: int


class Loaded(Protocol):
    """What can be loaded."""

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        ...

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        ...


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers, on its cores."""

    process: subprocess.Popen[bytes]
    port: int
    startup_seconds: float

    def cpu_seconds(self) -> float:
        """Return the processor time that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_megabytes(self) -> float:
        """Return the memory that the server holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def require_wrk() -> str:
    """Return where wrk is; raise `BenchError` if it is not installed."""
    found = shutil.which("wrk")
    if found is None:
        raise BenchError("wrk is not installed; on Debian and Ubuntu: apt-get install wrk")
    return found


@contextmanager
def serving(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    cores: Collection[int] = (SERVER_CORE,),
) -> Iterator[Server]:
    """Start a Python program that serves on the port given as PORT, and stop it in the end."""
    port = _free_port()
    command = [sys.executable, *(argument.replace("PORT", str(port)) for argument in arguments)]
    started = time.perf_counter()
    with log.open("ab") as out:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=out)
    os.sched_setaffinity(process.pid, cores)
    try:
        _wait_until_it_answers(process, port, log)
        yield Server(process, port, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(TIMEOUT_SECONDS)


def load(server: Loaded, target: Target, seconds: int, scripts: Path) -> Figures:
    """Load one operation for so many seconds and return what it cost."""
    with ExitStack() as stack:
        if target.background_load is not None:
            stack.enter_context(_writing(server, target.background_load, seconds, scripts))
        before = server.cpu_seconds()
        command = _wrk(server, target, CONNECTIONS, seconds, scripts)
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return _figures(told, server.cpu_seconds() - before)


@contextmanager
def _writing(server: Loaded, target: Target, seconds: int, scripts: Path) -> Iterator[None]:
    # A little longer than what it is beside.
    command = _wrk(server, target, WRITERS, seconds + 1, scripts)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as writers:
        yield
    if writers.returncode:
        raise BenchError(f"wrk failed at {target.name}")


def _wrk(server: Loaded, target: Target, connections: int, seconds: int, scripts: Path) -> list[str]:
    command = ["taskset", "-c", str(LOAD_CORE), require_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["--latency", "--timeout", "10s"]
    if target.token is not None:
        command += ["-H", f"Authorization: Token {target.token}"]
    if target.script is not None:
        script = scripts / f"{target.name.replace(' ', '-')}.lua"
        script.write_text(target.script)
        command += ["-s", str(script)]
    return [*command, f"http://127.0.0.1:{server.port}{target.path}"]


def _figures(told: str, cpu_seconds: float) -> Figures:
    requests = int(_found(r"(\d+) requests in", told))
    errors = [int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", told)]
    errors += [
        int(number)
        for kinds in re.findall(r"Socket errors: (.*)", told)
        for number in re.findall(r"\d+", kinds)
    ]
    return Figures(
        requests_per_second=float(_found(r"Requests/sec:\s*([\d.]+)", told)),
        p50=_milliseconds(_found(r"\n\s*50%\s+(\S+)", told)),
        p99=_milliseconds(_found(r"\n\s*99%\s+(\S+)", told)),
        cpu=cpu_seconds / max(requests, 1) * 1e6,
        errors=sum(errors),
    )


def _found(pattern: str, told: str) -> str:
    match = re.search(pattern, told)
    if match is None:
        raise BenchError(f"wrk said something unexpected:\n{told}")
    return match[1]


def _milliseconds(told: str) -> float:
    number, unit = _found(r"^([\d.]+)", told), _found(r"(us|ms|s|m)$", told)
    return float(number) * {"us": 0.001, "ms": 1, "s": 1_000, "m": 60_000}[unit]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.perf_counter() + TIMEOUT_SECONDS
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                if connection.recv(1):
                    return
        except OSError:
            time.sleep(0.01)
    raise BenchError(f"the server does not answer: {log.read_text()[-2000:]}")
