"""`conduit check DIR` on a plugin outside of a checkout: violations are found, additions are not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conduit_devtools.checks.plugin import NotAPlugin, PluginCheckout
from conduit_devtools.scaffold.naming import InvalidModule, ModuleName
from conduit_devtools.scaffold.plan import plan_plugin
from conduit_devtools.scaffold.writing import write_plugin
from tests.architecture.copied_tree import Checker, CopiedTree, link
from tests.program import TIMEOUT_SECONDS, environment

ROOT = Path(__file__).parents[2]
PACKAGE = "conduit_goals"
DOMAIN, API, STORAGE = (
    f"{PACKAGE}/domain/entry.py",
    f"{PACKAGE}/api/router.py",
    f"{PACKAGE}/infrastructure/entries.py",
)
TABLES, CONTRACTS, MANIFEST = (
    f"{PACKAGE}/infrastructure/tables.py",
    f"{PACKAGE}/contracts.py",
    f"{PACKAGE}/module.py",
)
PROJECT = "pyproject.toml"
EVENT = '''"""The contracts of goals."""

from dataclasses import dataclass

from modules.kernel.domain.events import Event

CONTRACT_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class GoalReached(Event):
    """A goal was reached."""

    goal_id: int
'''

# Rule, file, a text in it or "" for its end, and what is written in its place.
VIOLATIONS = [
    ("boundary", DOMAIN, "", "from modules.articles.domain.values import Title\n"),
    ("boundary", STORAGE, "", "import modules.users.infrastructure.tables\n"),
    ("direction", API, "", "from conduit_app.settings import Settings\n"),
    ("framework-free", DOMAIN, "", "import sqlalchemy\n"),
    ("sqlalchemy-in-infrastructure", API, "", "import sqlalchemy\n"),
    ("fastapi-in-api", STORAGE, "", "import fastapi\n"),
    (
        "kernel-layers",
        DOMAIN,
        "",
        "from modules.kernel.infrastructure.persistence.database import Database\n",
    ),
    ("layers", DOMAIN, "", f"from {PACKAGE}.infrastructure.entries import SqlEntries\n"),
    ("layers", f"{PACKAGE}/helpers.py", "", '"""Helpers."""\n'),
    ("package-root", DOMAIN, "", "import modules.users\n"),
    ("fakes", DOMAIN, "", "from modules.kernel.fakes import FakeClock\n"),
    ("dynamic-import", DOMAIN, "", "import importlib\nimportlib.import_module('modules.users.domain')\n"),
    ("raw-sql", STORAGE, "", 'ALL = "SELECT title FROM articles_article"\n'),
    ("table-prefix", f"{PACKAGE}/infrastructure/migrations/0001_entries.py", '"goals_entry"', '"entries"'),
    ("foreign-key", TABLES, "mapped_column(BigInteger)", 'mapped_column(ForeignKey("users_account.id"))'),
    (
        "models-and-migrations",
        TABLES,
        "    text: Mapped[str]\n",
        "    text: Mapped[str]\n    note: Mapped[str]\n",
    ),
    ("unchecked-column", f"{PACKAGE}/infrastructure/checks.py", '"owner_id"', '"id"'),
    ("event-shape", CONTRACTS, "", "\n\nclass Reached(Event):\n    goal_id: int\n"),
    (
        "contract-takes-collections",
        CONTRACTS,
        "",
        "\n\nclass Goals(Protocol):\n    async def of(self, owner_id: int) -> str: ...\n",
    ),
    ("plugin-openapi", API, '"/goals"', '"/tags"'),
    ("plugin-distribution", PROJECT, '"realworld-conduit>=1,<2"', '"conduit>=1,<2"'),
    ("plugin-distribution", PROJECT, ">=1,<2", ">=2,<3"),
    ("plugin-distribution", PROJECT, "goals = ", "targets = "),
    ("importable", DOMAIN, "", "def\n"),
    ("importable", MANIFEST, '"users": UserDirectory', '"nothing": UserDirectory'),
]


# Where the column is declared, which no check has.
REPORTED_AT = {"unchecked-column": TABLES}
AT_RUNTIME = {"models-and-migrations", "unchecked-column", "plugin-openapi", "importable"}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CopiedTree]:
    """Return a generated plugin. Read-only: `plugin` shares its files."""
    folder, checker = tmp_path_factory.mktemp("team") / "goals", Checker()
    write_plugin(plan_plugin(ModuleName("goals"), folder))
    yield CopiedTree(folder, checker)
    checker.stop()


@pytest.fixture
def plugin(generated: CopiedTree, tmp_path: Path) -> CopiedTree:
    """Return a generated plugin that the test may change."""
    return link(generated, tmp_path / "goals")


def change(plugin: CopiedTree, file: str, old: str, new: str) -> None:
    """Replace a text, or append to the file if the text is empty."""
    if old:
        plugin.replace(file, old, new)
    else:
        plugin.append(file, new)


def conduit(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the program under test
        [sys.executable, "-m", "conduit_app.cli", *arguments],
        cwd=folder,
        env=environment({}) | {"PYTHONPATH": os.pathsep.join([str(ROOT)]), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def findings(plugin: CopiedTree) -> list[tuple[str, str]]:
    """Return the rule and the file of each finding."""
    return [(finding.rule, finding.file) for finding in plugin.check()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "file", "old", "new"), VIOLATIONS, ids=[f"{rule}-{n}" for n, (rule, *_) in enumerate(VIOLATIONS)]
)
def test_violation_is_reported_in_its_file(
    plugin: CopiedTree, rule: str, file: str, old: str, new: str
) -> None:
    change(plugin, file, old, new)
    found = plugin.check() if rule in AT_RUNTIME else plugin.check_static()
    assert (rule, REPORTED_AT.get(rule, file)) in {(finding.rule, finding.file) for finding in found}, found


@pytest.mark.slow
class TestAllowed:
    def test_generated_plugin_has_no_findings(self, plugin: CopiedTree) -> None:
        assert findings(plugin) == []

    def test_package_in_a_source_folder(self, plugin: CopiedTree) -> None:
        (plugin.root / "src").mkdir()
        (plugin.root / PACKAGE).rename(plugin.root / "src" / PACKAGE)
        assert findings(plugin) == []

    def test_contracts_of_other_modules_and_the_kernel(self, plugin: CopiedTree) -> None:
        change(plugin, DOMAIN, "", "from modules.articles.contracts import ArticleId  # noqa: E402\n")
        change(plugin, MANIFEST, "built_with={", 'built_with={"articles": "1.0", ')
        change(plugin, STORAGE, "", "from modules.kernel.infrastructure.persistence import dialect_sql\n")
        assert findings(plugin) == []

    def test_fakes_of_its_contracts(self, plugin: CopiedTree) -> None:
        fakes = f'"""Fakes."""\n\nfrom modules.kernel.fakes import FakeClock\nimport {PACKAGE}.contracts\n'
        change(plugin, f"{PACKAGE}/fakes.py", "", fakes)
        assert findings(plugin) == []

    def test_published_event(self, plugin: CopiedTree) -> None:
        plugin.remove(CONTRACTS)
        plugin.append(CONTRACTS, EVENT)
        change(plugin, MANIFEST, "MODULE = Module(", "MODULE = Module(\n    publishes=[GoalReached],")
        change(plugin, MANIFEST, "from fastapi", f"from {PACKAGE}.contracts import GoalReached\nfrom fastapi")
        assert findings(plugin) == []

    def test_import_contracts_of_its_own(self, plugin: CopiedTree) -> None:
        own = f"""[importlinter]
root_package = {PACKAGE}
include_external_packages = True

[importlinter:contract:no-randomness]
name = Goals does not import random
type = forbidden
source_modules = {PACKAGE}
forbidden_modules = random
"""
        change(plugin, "importlinter.ini", "", own)
        assert findings(plugin) == []
        change(plugin, DOMAIN, "", "import random\n")
        assert findings(plugin) == [("plugin-contracts", DOMAIN)]


class TestUsage:
    @pytest.mark.parametrize(
        ("project", "problem"),
        [
            (None, "notes is neither a checkout of Conduit nor a plugin: it has no pyproject.toml"),
            ("[tool]", "pyproject.toml has no table [project]"),
            ("[project]\nname = 'notes'", "pyproject.toml has no entry point in conduit.modules"),
            (
                "[project.entry-points.'conduit.modules']\nnotes = 'n.module:MODULE'",
                "pyproject.toml names n.module:MODULE in conduit.modules, and there is no n/module.py",
            ),
        ],
    )
    def test_folder_without_a_plugin_is_rejected(
        self, tmp_path: Path, project: str | None, problem: str
    ) -> None:
        folder = tmp_path / "notes"
        folder.mkdir()
        if project is not None:
            (folder / PROJECT).write_text(project, encoding="utf-8")
        with pytest.raises(NotAPlugin) as raised:
            PluginCheckout.find(folder)
        assert str(raised.value) == problem

    @pytest.mark.parametrize(
        ("name", "problem"),
        [("users", "module users already exists"), ("tags", "the route /api/tags already exists")],
    )
    def test_existing_name_or_route_is_rejected_before_writing(
        self, tmp_path: Path, name: str, problem: str
    ) -> None:
        with pytest.raises(InvalidModule) as raised:
            write_plugin(plan_plugin(ModuleName(name), tmp_path / "plugin"))
        assert str(raised.value) == problem
        assert list(tmp_path.iterdir()) == []

    def test_existing_folder_is_not_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").touch()
        with pytest.raises(InvalidModule, match="already exists"):
            write_plugin(plan_plugin(ModuleName("goals"), tmp_path))
        assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]

    def test_folder_of_a_module_of_the_checkout_is_rejected(self) -> None:
        completed = conduit("new-module", "goals", "elsewhere", folder=ROOT)
        assert (completed.returncode, completed.stdout) == (1, "")
        assert completed.stderr == (
            "conduit: a module of the checkout is in modules/; only a --plugin has a folder\n"
        )
