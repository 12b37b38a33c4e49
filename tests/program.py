"""Running Conduit as a program: in a folder, with settings in the environment."""

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
# Folders of server programs, which are missing from the PATH of unprivileged users.
SERVERS = ["/usr/local/sbin", "/usr/sbin"]
PACKAGES = {"node": "nodejs", "pg_restore": "postgresql", "promtool": "prometheus"}
SERVES = re.compile(r"Conduit serves (http://\S+?),")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with these settings of Conduit only.

    Without coverage's variables: subprocesses are not measured, which would take half as long again.
    """
    ours = ("CONDUIT_", "COVERAGE_")
    others = {name: value for name, value in os.environ.items() if not name.upper().startswith(ours)}
    return others | {f"CONDUIT_{name}": value for name, value in settings.items()}


def require_program(program: str) -> str:
    """Return the path of a program that a test requires.

    If it is missing, the test is skipped, or fails in continuous integration (with CI set).
    """
    path = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *SERVERS]))
    if path is None:
        package = PACKAGES.get(program, program)
        missing = f"`{program}` is not installed; on Debian and Ubuntu: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def conduit(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the program in the folder and wait for its end: `conduit(folder, "migrate", LOG_LEVEL="error")`."""
    with start_process(folder, *arguments, **settings) as process:
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def start_process(folder: Path, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program in the folder, and kill it at the end of the block."""
    process = subprocess.Popen(  # noqa: S603 - the program under test
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A new process group, as in a terminal, so that a signal like Ctrl-C reaches its workers too.
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
    """Run the program in several processes that start at the same moment.

    They are forks of a process that has loaded the program, which takes longer than most commands.
    """
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["conduit_app.cli", "conduit_app.commands.migrate", "typer.testing"])
    with forks.Pool(number, _set_barrier, (forks.Barrier(number),)) as pool:
        calls = [(folder, arguments, environment(settings))] * number
        return pool.starmap_async(_run_loaded, calls, chunksize=1).get(TIMEOUT_SECONDS)


_wait_at_barrier: Callable[[], object]


def _set_barrier(barrier: Barrier) -> None:
    global _wait_at_barrier  # noqa: PLW0603 - the only way into a pool's processes
    _wait_at_barrier = barrier.wait


def _run_loaded(
    folder: Path, arguments: Sequence[str], variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    _wait_at_barrier()
    os.chdir(folder)
    result = CliRunner().invoke(main, arguments, env=variables)
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def write_metadata(folder: Path, name: str, package: str) -> None:
    """Write the metadata of an installed plugin to a folder for PYTHONPATH."""
    metadata = folder / f"{package}-1.dist-info"
    metadata.mkdir(parents=True)
    entry_points = f"[conduit.modules]\n{name} = {package}.module:MODULE\n"
    (metadata / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    requirement = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\nRequires-Dist: realworld-conduit\n"
    (metadata / "METADATA").write_text(requirement, encoding="utf-8")


def write_plugin(folder: Path, name: str, code: str) -> Path:
    """Write a plugin with its metadata to a folder for PYTHONPATH, and return its module's file."""
    write_metadata(folder, name, name)
    file = folder / name / "module.py"
    file.parent.mkdir()
    file.write_text(code, encoding="utf-8")
    return file


class RunningServer:
    """A server process of Conduit."""

    def __init__(self, process: subprocess.Popen[str], lines: "LineReader") -> None:
        self._process = process
        self._lines = lines
        self.url = lines.find(SERVES)[1]

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that it listens on."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    @property
    def pid(self) -> int:
        """The id of the main process."""
        return self._process.pid

    def client(self) -> httpx2.Client:
        """Return a client of this server."""
        return httpx2.Client(base_url=self.url, timeout=TIMEOUT_SECONDS)

    def wait_for_log(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Wait for a log line that matches, and return the match."""
        return self._lines.wait_for(pattern)

    def memory(self) -> int:
        """Return the process's resident memory in bytes (Linux)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024

    def limit_files(self, size: int) -> None:
        """Limit the size of the process's files, in bytes."""
        _, hard_limit = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, hard_limit))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process only, as `kill` does."""
        self._process.send_signal(number)

    def send_sigint(self) -> None:
        """Send SIGINT to the process and its workers, as a terminal does."""
        os.killpg(self._process.pid, signal.SIGINT)

    def wait(self) -> int:
        """Wait for the end of the process, and return its exit code."""
        code = self._process.wait(TIMEOUT_SECONDS)
        self._lines.end()
        return code

    @property
    def log(self) -> str:
        """What it has written to standard error so far."""
        return "".join(self._lines.read)


@contextmanager
def served(folder: Path, *arguments: str, **settings: str) -> Iterator[RunningServer]:
    """Serve from the folder on a free port."""
    with start_process(folder, "serve", "--port", "0", *arguments, **settings) as process:
        lines = LineReader(process.stderr)
        try:
            yield RunningServer(process, lines)
        finally:
            _kill(process)
            lines.end()


class LineReader:
    """The lines of a stream, read by a thread so that the writer never blocks.

    The thread reads a duplicate of the stream's file, because a process closes its own as it is left.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None
        self.read: list[str] = []
        self._unread: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read_file, args=(os.dup(stream.fileno()),), daemon=True)
        self._thread.start()

    def wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Return the first match in a line that was not checked before; wait for it."""
        match, _ = self._search(pattern)
        return match

    def find(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Return the first match, like `wait_for`, but leave the lines before it to be checked."""
        match, before = self._search(pattern)
        for line in before:
            self._unread.put(line)
        return match

    def _search(self, pattern: re.Pattern[str]) -> tuple[re.Match[str], list[str]]:
        before: list[str] = []
        while (line := self._unread.get(timeout=TIMEOUT_SECONDS)) is not None:
            if match := pattern.search(line):
                return match, before
            before.append(line)
        raise AssertionError(f"ended without a line that matches {pattern.pattern}:\n{''.join(self.read)}")

    def end(self) -> None:
        """Wait until the stream has ended."""
        self._thread.join(TIMEOUT_SECONDS)

    def _read_file(self, descriptor: int) -> None:
        with open(descriptor, encoding="utf-8") as stream:
            for line in stream:
                self.read.append(line)
                self._unread.put(line)
        self._unread.put(None)
