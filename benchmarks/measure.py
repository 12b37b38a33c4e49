"""Start servers, load them with wrk, and measure the CPU time per request."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from benchmarks.operations import Request

TIMEOUT_SECONDS = 20
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# NUMBER in bodies makes them differ, also from those of other rounds.
SCRIPT = """
local requests = {
REQUESTS
}
local texts, number, start = {}, 0, os.time()
request = function()
  local index = number % #requests + 1
  number = number + 1
  if texts[index] then return texts[index] end
  local one = requests[index]
  local headers = {}
  if one.token ~= "" then headers["Authorization"] = "Token " .. one.token end
  if one.body == "" then
    texts[index] = wrk.format(one.method, one.path, headers)
    return texts[index]
  end
  headers["Content-Type"] = "application/json"
  local body = one.body:gsub("NUMBER", start .. "-" .. number)
  return wrk.format(one.method, one.path, headers, body)
end
"""


class BenchError(Exception):
    """The benchmark cannot run; the message is one line."""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests, sent in turn by this number of connections."""

    requests: Sequence[Request]
    connections: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of one round. Latencies are in milliseconds, CPU times in microseconds per request."""

    cpu: float
    postgresql_cpu: float
    requests_per_second: float
    p50: float
    p99: float
    errors: int


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    startup_seconds: float
    idle_megabytes: float


def require_wrk() -> str:
    """Return the path of wrk; raise `BenchError` if it is not installed."""
    path = shutil.which("wrk")
    if path is None:
        raise BenchError("wrk is not installed; on Debian and Ubuntu: apt-get install wrk")
    return path


def pin_load() -> int:
    """Pin this process, and all that it starts, to one core; return the core for the measured servers."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        raise BenchError("two cores are needed: one for the measured server, one for all else")
    os.sched_setaffinity(0, {cores[1]})
    return cores[0]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and its children, also the terminated ones, have used."""
    while True:
        try:
            return sum(map(_ticks, family(pid))) / TICKS_PER_SECOND
        except FileNotFoundError:
            # A child that has just terminated is now part of its parent's time.
            if not Path(f"/proc/{pid}").exists():
                raise


@contextmanager
def serving(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, core: int
) -> Iterator[Server]:
    """Start a Python program that serves on the port given as PORT, and stop it at the end."""
    port = _free_port()
    command = [sys.executable, *(argument.replace("PORT", str(port)) for argument in arguments)]
    started = time.perf_counter()
    with log.open("ab") as out:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=out)
    os.sched_setaffinity(process.pid, {core})
    try:
        _wait_until_ready(process, port, log)
        startup = time.perf_counter() - started
        yield Server(process, port, startup, resident_megabytes(process.pid))
    finally:
        process.terminate()
        process.wait(TIMEOUT_SECONDS)


def measure(
    server: Server, load: Load, seconds: int, beside: Load | None = None, postmaster: int | None = None
) -> Figures:
    """Load a server for this long, beside another load if given, and return the figures of the load.

    With a postmaster, which is the process id of PostgreSQL, they include the CPU time of PostgreSQL.
    """
    with ExitStack() as stack:
        if beside is not None:
            # Longer than the measured load, so that it covers all of it.
            stack.enter_context(_wrk(server, beside, seconds + 1))
        pids = [server.process.pid] if postmaster is None else [server.process.pid, postmaster]
        before = [cpu_seconds(pid) for pid in pids]
        with _wrk(server, load, seconds) as wrk:
            output, _ = wrk.communicate()
        used = [cpu_seconds(pid) - earlier for pid, earlier in zip(pids, before, strict=True)]
    requests = int(_match(r"(\d+) requests in", output))
    if requests:
        return _figures(output, requests, *used)
    # On a busy machine, a server that has just started may return nothing in the first seconds.
    if seconds < TIMEOUT_SECONDS:
        return measure(server, load, TIMEOUT_SECONDS, beside, postmaster)
    raise BenchError(f"no response to {load.requests[0].path} within {seconds} s")


@contextmanager
def _wrk(server: Server, load: Load, seconds: int) -> Iterator["subprocess.Popen[str]"]:
    with NamedTemporaryFile("w", suffix=".lua") as script:
        rows = (
            ", ".join(f"{name}={json.dumps(value)}" for name, value in asdict(one).items())
            for one in load.requests
        )
        script.write(SCRIPT.replace("REQUESTS", "\n".join(f"  {{{row}}}," for row in rows)))
        script.flush()
        command = [
            require_wrk(),
            "-t1",
            f"-c{load.connections}",
            f"-d{seconds}s",
            "--latency",
            "--timeout",
            "10s",
        ]
        command += ["-s", script.name, f"http://127.0.0.1:{server.port}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            yield process
    if process.returncode:
        raise BenchError(f"wrk failed: {' '.join(command)}")


def _figures(output: str, requests: int, server_seconds: float, postgresql_seconds: float = 0) -> Figures:
    errors = re.findall(r"Non-2xx or 3xx responses: (\d+)", output)
    errors += [
        number for kinds in re.findall(r"Socket errors: (.*)", output) for number in re.findall(r"\d+", kinds)
    ]
    return Figures(
        cpu=server_seconds / requests * 1e6,
        postgresql_cpu=postgresql_seconds / requests * 1e6,
        requests_per_second=float(_match(r"Requests/sec:\s*([\d.]+)", output)),
        p50=_milliseconds(_match(r"\n\s*50%\s+(\S+)", output)),
        p99=_milliseconds(_match(r"\n\s*99%\s+(\S+)", output)),
        errors=sum(map(int, errors)),
    )


def _match(pattern: str, output: str) -> str:
    match = re.search(pattern, output)
    if match is None:
        raise BenchError(f"unexpected output of wrk:\n{output}")
    return match[1]


def _milliseconds(duration: str) -> float:
    number, unit = _match(r"^([\d.]+)", duration), _match(r"(us|ms|s|m)$", duration)
    return float(number) * {"us": 0.001, "ms": 1, "s": 1_000, "m": 60_000}[unit]


def family(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from family(int(child))


def _ticks(pid: int) -> int:
    """Return the user and system time of a process, and of its children that have terminated."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


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
