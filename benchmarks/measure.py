"""Start servers, load them with wrk, and measure the CPU time per request."""

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
    """The benchmark cannot run; the message is one line."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: its path, token and requests."""

    name: str
    path: str
    token: str | None = None
    script: str | None = None
    """Lua for wrk, if requests have a body or differ from each other."""
    background_load: "Endpoint | None" = None
    """The requests that `WRITERS` connections send at the same time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of one round of one endpoint. Latencies are in milliseconds, CPU time in microseconds."""

    requests_per_second: float
    p50: float
    p99: float
    cpu: float
    errors: int


class Loaded(Protocol):
    """A server or group of processes under load."""

    @property
    def port(self) -> int:
        """Its port on this machine."""
        ...

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used."""
        ...


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    startup_seconds: float

    def cpu_seconds(self) -> float:
        """Return the CPU time that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_megabytes(self) -> float:
        """Return the resident memory of the server."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def require_wrk() -> str:
    """Return the path of wrk; raise `BenchError` if it is not installed."""
    path = shutil.which("wrk")
    if path is None:
        raise BenchError("wrk is not installed; on Debian and Ubuntu: apt-get install wrk")
    return path


@contextmanager
def serving(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    cores: Collection[int] = (SERVER_CORE,),
) -> Iterator[Server]:
    """Start a Python program that serves on the port given as PORT, and stop it at the end."""
    port = _free_port()
    command = [sys.executable, *(argument.replace("PORT", str(port)) for argument in arguments)]
    started = time.perf_counter()
    with log.open("ab") as out:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=out)
    os.sched_setaffinity(process.pid, cores)
    try:
        _wait_until_ready(process, port, log)
        yield Server(process, port, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(TIMEOUT_SECONDS)


def load(server: Loaded, endpoint: Endpoint, seconds: int, scripts: Path) -> Figures:
    """Load one endpoint for this long and return the figures."""
    with ExitStack() as stack:
        if endpoint.background_load is not None:
            stack.enter_context(_writing(server, endpoint.background_load, seconds, scripts))
        before = server.cpu_seconds()
        command = _wrk(server, endpoint, CONNECTIONS, seconds, scripts)
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return _figures(output, server.cpu_seconds() - before)


@contextmanager
def _writing(server: Loaded, endpoint: Endpoint, seconds: int, scripts: Path) -> Iterator[None]:
    # Longer than the measured load, so that it covers all of it.
    command = _wrk(server, endpoint, WRITERS, seconds + 1, scripts)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as writers:
        yield
    if writers.returncode:
        raise BenchError(f"wrk failed at {endpoint.name}")


def _wrk(server: Loaded, endpoint: Endpoint, connections: int, seconds: int, scripts: Path) -> list[str]:
    command = ["taskset", "-c", str(LOAD_CORE), require_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["--latency", "--timeout", "10s"]
    if endpoint.token is not None:
        command += ["-H", f"Authorization: Token {endpoint.token}"]
    if endpoint.script is not None:
        script = scripts / f"{endpoint.name.replace(' ', '-')}.lua"
        script.write_text(endpoint.script)
        command += ["-s", str(script)]
    return [*command, f"http://127.0.0.1:{server.port}{endpoint.path}"]


def _figures(output: str, cpu_seconds: float) -> Figures:
    requests = int(_match(r"(\d+) requests in", output))
    errors = [int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", output)]
    errors += [
        int(number)
        for kinds in re.findall(r"Socket errors: (.*)", output)
        for number in re.findall(r"\d+", kinds)
    ]
    return Figures(
        requests_per_second=float(_match(r"Requests/sec:\s*([\d.]+)", output)),
        p50=_milliseconds(_match(r"\n\s*50%\s+(\S+)", output)),
        p99=_milliseconds(_match(r"\n\s*99%\s+(\S+)", output)),
        cpu=cpu_seconds / max(requests, 1) * 1e6,
        errors=sum(errors),
    )


def _match(pattern: str, output: str) -> str:
    match = re.search(pattern, output)
    if match is None:
        raise BenchError(f"unexpected output of wrk:\n{output}")
    return match[1]


def _milliseconds(duration: str) -> float:
    number, unit = _match(r"^([\d.]+)", duration), _match(r"(us|ms|s|m)$", duration)
    return float(number) * {"us": 0.001, "ms": 1, "s": 1_000, "m": 60_000}[unit]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.perf_counter() + TIMEOUT_SECONDS
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                if connection.recv(1):
                    return
        except OSError:
            time.sleep(0.01)
    raise BenchError(f"the server does not respond: {log.read_text()[-2000:]}")
