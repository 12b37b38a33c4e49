"""A change that softens the checks' own configuration is compared with its base and reported."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import Finding, Stage
from conduit_devtools.checks.owners import check_moved_owners
from conduit_devtools.checks.softened import check_softened
from conduit_devtools.checks.source import Checkout
from conduit_devtools.checks.suppressions import unsuppressed
from tests.architecture.copied_tree import ROOT
from tests.architecture.test_base import git

PLUGIN = "plugins/feeds"
IMPORTS, TOOLS, OWNERS = "importlinter.ini", "pyproject.toml", "CODEOWNERS"
COMMITTED = (IMPORTS, TOOLS, OWNERS, f"{PLUGIN}/{IMPORTS}", f"{PLUGIN}/{TOOLS}")
EMPTY = (
    *(
        "modules/users/__init__.py",
        "modules/users/module.py",
        "conduit_app/__init__.py",
        "conduit_devtools/__init__.py",
        "Makefile",
    ),
    f"{PLUGIN}/conduit_feeds/module.py",
)


COPY_OF_THE_PRESET = """
[importlinter:contract:package-root]
name = Nobody imports from package roots
type = forbidden
source_modules = conduit_feeds
forbidden_modules = modules
"""


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the configuration of this checkout on its main branch."""
    root = tmp_path_factory.mktemp("repository")
    for name in EMPTY:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name in COMMITTED:
        shutil.copy(ROOT / name, root / name)
    with (root / PLUGIN / IMPORTS).open("a", encoding="utf-8") as file:
        file.write(COPY_OF_THE_PRESET)
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "First")
    return root


@pytest.fixture
def repository(committed: Path) -> Iterator[Path]:
    """Return the repository, and restore its files afterwards."""
    yield committed
    git(committed, "clean", "--quiet", "--force", "-d")
    git(committed, "checkout", "--quiet", "--", ".")


def findings(root: Path) -> Sequence[Finding]:
    checkout, base = Checkout(root), Base.find(root)
    return [*check_softened(checkout, base), *check_moved_owners(checkout, base)]


def change(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text(encoding="utf-8")
    assert old in text
    (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")


BOUNDARY = "[importlinter:contract:boundary]\n"
FRAMEWORK_FREE = (
    "[importlinter:contract:framework-free]\nname = Domain, contracts and demo import no framework\n"
)
KERNEL = """[importlinter:contract:kernel]
name = The kernel imports no module
type = forbidden
source_modules = modules.kernel
forbidden_modules = modules.*
allow_indirect_imports = True
"""
SOFTENED = {
    "an ignored import": (
        IMPORTS,
        "    modules.*.fakes -> modules.**\n",
        "    modules.*.fakes -> modules.**\n    modules.users.domain -> modules.articles.domain  # seeded\n",
        "boundary: ignore_imports has a new entry: modules.users.domain -> modules.articles.domain",
    ),
    "a first ignored import": (
        IMPORTS,
        KERNEL,
        f"{KERNEL}ignore_imports =\n    modules.kernel.** -> *  # seeded\n",
        "kernel: ignore_imports has a new entry: modules.kernel.** -> *",
    ),
    "a removed contract": (IMPORTS, KERNEL, "", "the import contract kernel was removed"),
    "another importer": (
        IMPORTS,
        "allowed_importers = conduit_app.discovery\n",
        "allowed_importers =\n    conduit_app.discovery\n    modules.users.domain  # seeded\n",
        "package-root: allowed_importers has a new entry: modules.users.domain",
    ),
    "layers that are not exhaustive": (
        IMPORTS,
        "exhaustive = true",
        "exhaustive = false  # seeded",
        "layers: exhaustive is false  # seeded",
    ),
    "a forbidden package less": (
        IMPORTS,
        "    fastapi\n    psycopg\n",
        "    psycopg\n",
        "framework-free: forbidden_modules has no longer the entry fastapi",
    ),
    "a module less": (
        IMPORTS,
        "source_modules = modules.*\n",
        "source_modules = modules.users  # seeded\n",
        "boundary: source_modules has no longer the entry modules.*",
    ),
    "layers in another order": (
        IMPORTS,
        "    (domain)\n    (contracts)\n",
        "    (contracts)\n    (domain)\n",
        "layers: the layers are in another order",
    ),
    "indirect imports": (
        f"{PLUGIN}/{IMPORTS}",
        "name = Domain and contracts render no Markdown\n",
        "name = Domain and contracts\nunmatched_ignore_imports_alerting = none  # seeded\n",
        "framework-free/markdown: unmatched_ignore_imports_alerting is none  # seeded",
    ),
    "an ignored import of a plugin": (
        f"{PLUGIN}/{IMPORTS}",
        "    nh3\nallow_indirect_imports = True\n",
        "    nh3\nallow_indirect_imports = True\nignore_imports =\n    conduit_feeds.** -> nh3  # seeded\n",
        "framework-free/markdown: ignore_imports has a new entry: conduit_feeds.** -> nh3",
    ),
    "ignores for a file": (
        TOOLS,
        "[tool.ruff.lint.per-file-ignores]\n",
        '[tool.ruff.lint.per-file-ignores]\n"modules/users/**" = ["S608"]  # seeded\n',
        "ruff.lint.per-file-ignores: new entry modules/users/**: S608",
    ),
    "a code more for a file": (
        TOOLS,
        '    "T201", # examples print their results\n',
        '    "T201", "F401", # seeded\n',
        "ruff.lint.per-file-ignores: new entry docs/clients/**: F401",
    ),
    "an ignored rule of ruff": (
        TOOLS,
        '    "ANN401", #',
        '    "S608", # seeded\n    "ANN401", #',
        "ruff.lint.ignore: new entry S608",
    ),
    "a rule of ruff less": (TOOLS, '"A", "ANN", ', '"A", ', "ruff.lint.select: no longer the entry ANN"),
    "files without lint": (
        TOOLS,
        "[tool.ruff]\n",
        '[tool.ruff]\nextend-exclude = ["modules/users"]  # seeded\n',
        "ruff.extend-exclude: new entry modules/users",
    ),
    "an override of mypy": (
        TOOLS,
        "[tool.pytest]\n",
        '[[tool.mypy.overrides]]\nmodule = "modules.users.*"\nignore_errors = true\n\n[tool.pytest]\n',
        "mypy.overrides: new entry {'module': 'modules.users.*', 'ignore_errors': True}",
    ),
    "types that are not strict": (
        TOOLS,
        "strict = true",
        "strict = false # seeded",
        "mypy.strict: is False, and was True",
    ),
    "ignored errors of types": (
        TOOLS,
        "warn_unreachable = true",
        "warn_unreachable = true\nignore_missing_imports = true # seeded",
        "mypy.ignore_missing_imports: is True, and was None",
    ),
    "a disabled error of types": (
        TOOLS,
        'disable_error_code = ["type-abstract"]',
        'disable_error_code = ["type-abstract", "arg-type"] # seeded',
        "mypy.disable_error_code: new entry arg-type",
    ),
    "warnings that are no errors": (
        TOOLS,
        'filterwarnings = ["error"]',
        'filterwarnings = ["error", "ignore::DeprecationWarning"] # seeded',
        "pytest.filterwarnings: new entry ignore::DeprecationWarning",
    ),
    "tests that are not run": (
        TOOLS,
        '"--strict-config", "-ra"',
        '"--strict-config", "--deselect=tests/users", "-ra"',
        "pytest.addopts: new entry --deselect=tests/users",
    ),
    "markers that are not strict": (
        TOOLS,
        '"--strict-markers", ',
        "",
        "pytest.addopts: no longer the entry --strict-markers",
    ),
    "a longer timeout": (
        TOOLS,
        'timeout = "180"',
        'timeout = "900" # seeded',
        "pytest.timeout: is 900, and was 180",
    ),
    "files without coverage": (
        TOOLS,
        "branch = true\n",
        'branch = true\nomit = ["modules/users/*"] # seeded\n',
        "coverage.run.omit: new entry modules/users/*",
    ),
    "coverage of lines only": (TOOLS, "branch = true\n", "", "coverage.run.branch: is None, and was True"),
    "a plugin's warnings": (
        f"{PLUGIN}/{TOOLS}",
        'filterwarnings = ["error"]',
        "filterwarnings = []",
        "pytest.filterwarnings: no longer the entry error",
    ),
    "an owner of the application": (
        OWNERS,
        "/conduit_app/       @conduit/architecture",
        "/conduit_app/       @conduit/users # seeded",
        "/conduit_app/ belonged to @conduit/architecture, and belongs to @conduit/users",
    ),
    "an owner less": (
        OWNERS,
        "/Makefile           @conduit/architecture\n",
        "",
        "/Makefile belonged to @conduit/architecture, and belongs to nobody",
    ),
}


@pytest.mark.parametrize("name", SOFTENED)
def test_softened_check_is_reported_at_its_line(repository: Path, name: str) -> None:
    file, old, new, message = SOFTENED[name]
    change(repository, file, old, new)
    [finding] = findings(repository)
    assert (finding.rule.id, finding.file, finding.message) == ("softened-check", Path(file), message)
    if "# seeded" in new:
        assert "# seeded" in (repository / file).read_text(encoding="utf-8").splitlines()[finding.line - 1]


@pytest.mark.parametrize(
    "file", ["ruff.toml", "modules/users/ruff.toml", "mypy.ini", "pytest.ini", ".coveragerc"]
)
def test_file_that_replaces_the_settings_is_reported(repository: Path, file: str) -> None:
    (repository / file).touch()
    [finding] = findings(repository)
    assert finding.message == f"{file} replaces the settings in pyproject.toml"


def test_catch_all_is_reported_for_every_path_that_it_takes(repository: Path) -> None:
    with (repository / OWNERS).open("a", encoding="utf-8") as owners:
        owners.write("*  @mallory\n")
    taken = {finding.message.partition(" ")[0] for finding in findings(repository)}
    assert taken >= {"/conduit_app/", "/conduit_devtools/", "/importlinter.ini", "/pyproject.toml"}


LEGITIMATE = {
    "a new contract": (
        IMPORTS,
        BOUNDARY,
        f"{KERNEL.replace('contract:kernel', 'contract:other')}\n{BOUNDARY}",
    ),
    "a contract under another id": (
        IMPORTS,
        "[importlinter:contract:kernel]",
        "[importlinter:contract:core]",
    ),
    "another name of a contract": (IMPORTS, "name = The kernel imports no module", "name = No imports"),
    "a forbidden package more": (
        IMPORTS,
        "    fastapi\n    psycopg\n",
        "    fastapi\n    httpx2\n    psycopg\n",
    ),
    "an ignored import less": (IMPORTS, "    modules.kernel.** -> modules.**\n\n", "\n"),
    "a copy of the contracts of all plugins less": (f"{PLUGIN}/{IMPORTS}", COPY_OF_THE_PRESET, ""),
    "a comment": (IMPORTS, BOUNDARY, f"# Not only imports.\n{BOUNDARY}"),
    "a rule of ruff more": (TOOLS, '"A", "ANN", ', '"A", "ANN", "ARG", "T10", '),
    "an ignored rule of ruff less": (TOOLS, '    "N818", # errors are named by facts: NotFound\n', ""),
    "a stricter option of mypy": (TOOLS, "strict = true", "strict = true\ndisallow_any_explicit = true"),
    "a marker of pytest": (TOOLS, 'markers = ["slow', 'markers = ["fast: soon", "slow'),
    "a plugin of pytest more": (TOOLS, '"-ra"', '"-ra", "-p", "conduit_feeds.testing"'),
    "an option of the report": (TOOLS, '"-ra"', '"-ra", "--showlocals"'),
    "a shorter timeout": (TOOLS, 'timeout = "180"', 'timeout = "60"'),
    "a dependency": (TOOLS, '    "limits>=5.6,<6",\n', '    "limits>=5.7,<6",\n'),
    "a word of codespell": (TOOLS, 'ignore-words-list = "', 'ignore-words-list = "articels,'),
    "a new owner of a module": (
        OWNERS,
        "/modules/users/     @conduit/users",
        "/modules/users/     @conduit/accounts",
    ),
    "a line for a new module": (
        OWNERS,
        "/modules/users/ ",
        "/modules/votes/ @conduit/votes\n/modules/users/ ",
    ),
}


@pytest.mark.parametrize("name", LEGITIMATE)
def test_change_that_softens_nothing_is_not_reported(repository: Path, name: str) -> None:
    change(repository, *LEGITIMATE[name])
    assert findings(repository) == []


def test_reason_above_the_entry_allows_it_now_and_after_the_merge(repository: Path) -> None:
    entry = "    modules.users.domain -> modules.articles.domain\n"
    reason = "    # conduit: allow softened-check: until issue 91\n"
    before = "    modules.*.fakes -> modules.**\n"
    change(repository, IMPORTS, before, before + reason + entry)
    checkout = Checkout(repository)
    assert list(unsuppressed(checkout, findings(repository), set(Stage) - {Stage.BASE})) == []
    # Without the finding, as after the merge.
    assert list(unsuppressed(checkout, [], set(Stage) - {Stage.BASE})) == []
