"""Conduit as its operators see it: a program in a folder, told what to do by its environment."""

import multiprocessing
import os
import queue
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import httpx2
import pytest
from typer.testing import CliRunner

from conduit_app.cli import main

PROGRAM = [sys.executable, "-m", "conduit_app.cli"]
TIMEOUT_SECONDS = 60.0
# Where servers are, which the PATH of those who are not root leaves out.
SERVERS = ["/usr/local/sbin", "/usr/sbin"]
PACKAGES = {"node": "nodejs"}
SERVES = re.compile(r"Conduit serves (http://\S+?),")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with these settings and no others.

    Nor coverage's: what the program does is measured within the tests' own processes, and in a second
    one it would take half as long again.
    """
    ours = ("CONDUIT_", "COVERAGE_")
    others = {name: value for name, value in os.environ.items() if not name.upper().startswith(ours)}
    return others | {f"CONDUIT_{name}": value for name, value in settings.items()}


def require_program(program: str) -> str:
    """Return where a program is that a test cannot do without.

    Where it is missing the test is skipped, but in continuous integration, which sets CI, it fails.
    """
    found = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *SERVERS]))
    if found is None:
        package = PACKAGES.get(program, program)
        missing = f"there is no `{program}` here; on Debian and Ubuntu: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def conduit(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the program in the folder until it ends: `conduit(folder, "migrate", LOG_LEVEL="error")`."""
    with start_process(folder, *arguments, **settings) as process:
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def start_process(folder: Path, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program in the folder, and see to it that it ends."""
    process = subprocess.Popen(  # noqa: S603 - the program under test
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A process group of its own, as a terminal gives it: Ctrl-C reaches its workers too.
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            _kill(process)


def run_concurrently(
    number: int, folder: Path, *arguments: str, **settings: str
) -> list[subprocess.CompletedProcess[str]]:
    """Run the program in so many processes that begin at the same moment, each with it loaded already.

    They are forks of one process: loading the program takes longer than most of what it is asked to do.
    """
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["conduit_app.cli", "typer.testing"])
    with forks.Pool(number, _wait_for_all, (forks.Barrier(number),)) as pool:
        calls = [(folder, arguments, environment(settings))] * number
        return pool.starmap_async(_run_loaded, calls, chunksize=1).get(TIMEOUT_SECONDS)


_all_are_there: Callable[[], object]


def _wait_for_all(barrier: Barrier) -> None:
    global _all_are_there  # noqa: PLW0603 - a pool tells its processes nothing in any other way
    _all_are_there = barrier.wait


def _run_loaded(
    folder: Path, arguments: Sequence[str], variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    _all_are_there()
    os.chdir(folder)
    ended = CliRunner().invoke(main, arguments, env=variables)
    return subprocess.CompletedProcess(arguments, ended.exit_code, ended.stdout, ended.stderr)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def write_plugin(folder: Path, name: str, code: str) -> Path:
    """Make an installed plugin of this code in the folder, which is to be in PYTHONPATH; return its file."""
    metadata = folder / f"{name}-1.dist-info"
    metadata.mkdir(parents=True)
    advertised = f"[conduit.modules]\n{name} = {name}.module:MODULE\n"
    (metadata / "entry_points.txt").write_text(advertised, encoding="utf-8")
    file = folder / name / "module.py"
    file.parent.mkdir()
    file.write_text(code, encoding="utf-8")
    return file


class RunningServer:
    """A Conduit that serves."""

    def __init__(self, process: subprocess.Popen[str], lines: "Lines") -> None:
        self._process = process
        self._lines = lines
        self.url = self.until(SERVES)[1]

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def client(self) -> httpx2.Client:
        """Return a client that knows the address."""
        return httpx2.Client(base_url=self.url, timeout=TIMEOUT_SECONDS)

    def until(self, said: re.Pattern[str]) -> re.Match[str]:
        """Wait until a line of the log holds this, and return what was found."""
        return self._lines.until(said)

    def memory(self) -> int:
        """Return how much memory the program has, in bytes (resident, as Linux tells it)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024

    def limit_files(self, size: int) -> None:
        """Let no file of the program grow beyond this, in bytes."""
        _, most = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, most))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone, as `kill` does."""
        self._process.send_signal(number)

    def send_sigint(self) -> None:
        """Interrupt the program and its workers, as a terminal does."""
        os.killpg(self._process.pid, signal.SIGINT)

    def ended(self) -> int:
        """Wait until the program has ended, and return its exit code."""
        code = self._process.wait(TIMEOUT_SECONDS)
        self._lines.end()
        return code

    @property
    def log(self) -> str:
        """All that it has written to standard error up to now."""
        return "".join(self._lines.read)


@contextmanager
def served(folder: Path, *arguments: str, **settings: str) -> Iterator[RunningServer]:
    """Serve from the folder on a port that nobody uses."""
    with start_process(folder, "serve", "--port", "0", *arguments, **settings) as process:
        lines = Lines(process.stderr)
        try:
            yield RunningServer(process, lines)
        finally:
            _kill(process)
            lines.end()


class Lines:
    """The lines of a stream as they come, read by a thread so that the writer never waits."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None
        self.read: list[str] = []
        self._fresh: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._follow, args=(stream,), daemon=True)
        self._thread.start()

    def until(self, said: re.Pattern[str]) -> re.Match[str]:
        """Return the first match in a line that was not looked at before; wait for it."""
        while (line := self._fresh.get(timeout=TIMEOUT_SECONDS)) is not None:
            if found := said.search(line):
                return found
        raise AssertionError(f"it ended and never said {said.pattern}:\n{''.join(self.read)}")

    def end(self) -> None:
        """Wait until the stream has ended."""
        self._thread.join(TIMEOUT_SECONDS)

    def _follow(self, stream: IO[str]) -> None:
        for line in stream:
            self.read.append(line)
            self._fresh.put(line)
        self._fresh.put(None)
