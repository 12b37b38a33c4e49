"""A Python of its own, with distributions installed as an operator would: no checkout, no network."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.program import TIMEOUT_SECONDS, Lines, RunningServer, environment

ROOT = Path(__file__).parents[2]
BOOKMARKS = ROOT / "plugins" / "bookmarks"
NOTIFICATIONS = ROOT / "plugins" / "notifications"
PIP = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--quiet"]
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
UNWANTED = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", ".*")


def build_wheels(folder: Path, *sources: Path) -> Sequence[Path]:
    """Return the wheels of these distributions, built in the folder."""
    wheels = folder / "wheels"
    wheels.mkdir()
    for number, source in enumerate(sources):
        # What `pip wheel --no-build-isolation` does, without its second look at the metadata.
        _run(sys.executable, "-c", BUILD, str(wheels), folder=_copied(source, folder / f"source-{number}"))
    return sorted(wheels.iterdir())


def _copied(source: Path, copy: Path) -> Path:
    # Building writes beside the sources, and takes from there what an earlier build has left.
    copy.mkdir(parents=True)
    distribution = ["pyproject.toml", "README.md", "modules", "conduit_app", "conduit_devtools"]
    distribution += ["conduit_bookmarks", "conduit_notifications"]
    for part in (source / name for name in distribution):
        if part.is_dir():
            shutil.copytree(part, copy / part.name, ignore=UNWANTED)
        elif part.exists():
            shutil.copy(part, copy)
    return copy


class CleanEnvironment:
    """An environment that holds the wheels it was given, and sees the libraries of the running one.

    Of the running one it sees no editable installation: what is imported is what was installed.
    """

    def __init__(self, folder: Path, wheels: Sequence[Path]) -> None:
        self._folder = folder
        self._bin = folder / "environment" / "bin"
        venv.create(self._bin.parent, symlinks=True)
        self.pip("install", "--no-deps", "--no-index", *map(str, wheels))
        # Only now, or pip would find there what it is to install. Python does not read the .pth files
        # in a folder that is itself named by one, and the editable installation is such a file.
        libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        [own] = self._bin.parent.glob("lib/python*/site-packages")
        (own / "libraries.pth").write_text("\n".join(sorted(libraries)), encoding="utf-8")

    def pip(self, *arguments: str) -> None:
        """Let pip change this environment."""
        _run(*PIP, "--python", str(self._bin / "python"), *arguments)

    def conduit(self, *arguments: str, **settings: str) -> str:
        """Run Conduit to its end, and return what it said on standard output."""
        return _run(str(self._bin / "conduit"), *arguments, folder=self._folder, settings=settings)

    @contextmanager
    def served(self, **settings: str) -> Iterator[RunningServer]:
        """Serve Conduit on a port that nobody uses."""
        with subprocess.Popen(  # noqa: S603 - the program under test
            [str(self._bin / "conduit"), "serve", "--port", "0"],
            cwd=self._folder,
            env=_surroundings(settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            lines = Lines(process.stderr)
            try:
                yield RunningServer(process, lines)
            finally:
                process.kill()
                lines.end()


def _surroundings(settings: Mapping[str, str]) -> dict[str, str]:
    # Coverage would follow pip and the build, which takes twice the time and finds nothing of Conduit.
    inherited = environment(settings).items()
    return {name: value for name, value in inherited if not name.startswith(("COVERAGE_", "PYTHON"))}


def _run(*command: str, folder: Path | None = None, settings: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(  # noqa: S603 - pip, or the program under test
        command,
        cwd=folder,
        env=_surroundings(settings or {}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
