"""A virtual environment with installed wheels: no checkout, no network."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.program import TIMEOUT_SECONDS, LineReader, RunningServer, environment

ROOT = Path(__file__).parents[2]
BOOKMARKS = ROOT / "plugins" / "bookmarks"
NOTIFICATIONS = ROOT / "plugins" / "notifications"
PIP = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--quiet"]
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
EXCLUDED = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", ".*")


def build_wheels(folder: Path, *sources: Path) -> Sequence[Path]:
    """Build the wheels of these distributions in the folder, and return them."""
    wheels = folder / "wheels"
    wheels.mkdir()
    for number, source in enumerate(sources):
        # As `pip wheel --no-build-isolation`, but without reading the metadata twice.
        _run(sys.executable, "-c", BUILD, str(wheels), folder=_copy(source, folder / f"source-{number}"))
    return sorted(wheels.iterdir())


def _copy(source: Path, copy: Path) -> Path:
    # A build writes next to the sources, and reuses what an earlier build left there.
    copy.mkdir(parents=True)
    distribution = ["pyproject.toml", "README.md", "modules", "conduit_app", "conduit_devtools"]
    distribution += [package.name for package in source.glob("conduit_*") if package.name not in distribution]
    for part in (source / name for name in distribution):
        if part.is_dir():
            shutil.copytree(part, copy / part.name, ignore=EXCLUDED)
        elif part.exists():
            shutil.copy(part, copy)
    return copy


class CleanEnvironment:
    """An environment with the given wheels installed, and the libraries of the running one.

    It does not see editable installations of the running one: imports come from the wheels.
    """

    def __init__(self, folder: Path, wheels: Sequence[Path]) -> None:
        self._folder = folder
        self._bin = folder / "environment" / "bin"
        venv.create(self._bin.parent, symlinks=True)
        self.pip("install", "--no-deps", "--no-index", *map(str, wheels))
        # After the installation, or pip would find the packages there. Python does not read .pth files
        # in a folder that a .pth file adds, and an editable installation is such a file.
        libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        [own] = self._bin.parent.glob("lib/python*/site-packages")
        (own / "libraries.pth").write_text("\n".join(sorted(libraries)), encoding="utf-8")

    def pip(self, *arguments: str) -> None:
        """Run pip on this environment."""
        _run(*PIP, "--python", str(self._bin / "python"), *arguments)

    def run(self, folder: Path, program: str, *arguments: str) -> str:
        """Run a program of this environment in the folder, and return its standard output."""
        return _run(str(self._bin / program), *arguments, folder=folder)

    def link(self, program: str) -> None:
        """Provide a program of the running environment, such as ruff, which its package starts."""
        (self._bin / program).symlink_to(Path(sys.executable).with_name(program))

    def conduit(self, *arguments: str, **settings: str) -> str:
        """Run a command of Conduit, and return its standard output."""
        return _run(str(self._bin / "conduit"), *arguments, folder=self._folder, settings=settings)

    @contextmanager
    def served(self, **settings: str) -> Iterator[RunningServer]:
        """Serve Conduit on a free port."""
        with subprocess.Popen(  # noqa: S603 - the program under test
            [str(self._bin / "conduit"), "serve", "--port", "0"],
            cwd=self._folder,
            env=_isolated_environment(settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            lines = LineReader(process.stderr)
            try:
                yield RunningServer(process, lines)
            finally:
                process.kill()
                lines.end()


def _isolated_environment(settings: Mapping[str, str]) -> dict[str, str]:
    # Coverage of pip and the build would take twice the time and measure nothing of Conduit.
    inherited = environment(settings).items()
    return {name: value for name, value in inherited if not name.startswith(("COVERAGE_", "PYTHON"))}


def _run(*command: str, folder: Path | None = None, settings: Mapping[str, str] | None = None) -> str:
    completed = subprocess.run(  # noqa: S603 - pip, or the program under test
        command,
        cwd=folder,
        env=_isolated_environment(settings or {}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout
