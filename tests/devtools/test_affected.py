"""What a change can affect: on a small checkout made for the test, and on this one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conduit_app.cli import main
from conduit_devtools.affected.report import AffectedFormat, render_affected
from conduit_devtools.affected.selection import Affected, select
from conduit_devtools.affected.sources import Sources
from conduit_devtools.checks.source import Checkout
from tests.architecture.test_base import git
from tests.devtools.seeded_faults import FaultyTree, Unselected

ROOT = Path(__file__).parents[2]
CONFTEST = """
from conduit_app.application import create_application
from conduit_app import discovery


@pytest.fixture(autouse=True)
def isolated(monkeypatch):
    monkeypatch.setattr(discovery, "entries", [])


@pytest.fixture
def application():
    from modules.users.domain import Passwords
    return create_application()


@pytest.fixture(params=["application"])
def api(request):
    return request.getfixturevalue(f"{request.param}")
"""
FILES = {
    "CODEOWNERS": "",
    "Makefile": "",
    "docs/modules.md": "",
    "conduit_app/application.py": "",
    "modules/kernel/__init__.py": "",
    "modules/users/__init__.py": "",
    "modules/users/contracts.py": "class UserDeleted: ...",
    "modules/users/domain.py": "class Passwords: ...",
    "modules/users/module.py": "MODULE = Module(name='users', offers={TokenVerifier: 'tokens'})",
    "modules/articles/__init__.py": "",
    "modules/articles/contracts.py": "class ArticleDirectory: ...",
    "modules/articles/domain.py": "class Title: ...",
    "modules/articles/fakes.py": "from modules.articles.contracts import ArticleDirectory",
    "modules/articles/module.py": "MODULE = Module(name='articles', needs={'tokens': TokenVerifier})",
    "modules/articles/migrations/0001.py": "revision = '0001'",
    "modules/articles/words.txt": "",
    "modules/comments/__init__.py": "",
    "modules/comments/domain.py": "from modules.articles.contracts import ArticleDirectory",
    "modules/comments/module.py": "MODULE = Module(name='comments')",
    "plugins/feeds/pyproject.toml": "",
    "plugins/feeds/conduit_feeds/__init__.py": "",
    "plugins/feeds/conduit_feeds/module.py": "from modules.articles.contracts import ArticleDirectory",
    "plugins/feeds/tests/test_feeds.py": "",
    "plugins/search/conduit_search/__init__.py": "",
    "plugins/search/conduit_search/module.py": "",
    "plugins/search/tests/test_search.py": "from conduit_app.application import create_application",
    "tests/__init__.py": "",
    "tests/conftest.py": CONFTEST,
    "tests/builders.py": "from modules.articles.domain import Title",
    "tests/test_titles.py": "from tests.builders import Title",
    "tests/test_routes.py": "def test_route(api): ...",
    "tests/test_documents.py": "ROOT = Path(__file__).parents[1]",
    "tests/articles/__init__.py": "",
    "tests/articles/conftest.py": "",
    "tests/articles/additions.py": "",
    "tests/articles/expected.json": "",
    "tests/articles/test_domain.py": "from modules.articles.domain import Title",
    "tests/comments/__init__.py": "",
    "tests/comments/test_domain.py": "from modules.articles.fakes import ArticleDirectory",
    "tests/kernel/__init__.py": "",
    "tests/kernel/test_program.py": "PROGRAM = 'import os; from modules.comments.domain import Comment'",
    "tests/kernel/test_clock.py": "from modules.kernel import clock",
    "tests/users/__init__.py": "",
    "tests/users/test_domain.py": "from modules.users.domain import Passwords",
}
OF_ARTICLES = ["tests/articles/test_domain.py", "tests/comments/test_domain.py"]
OF_CHECKOUT = "tests/test_documents.py"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout with three modules, a plugin and a few tests."""
    root = tmp_path_factory.mktemp("checkout")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return Checkout(root)


def affected(checkout: Checkout, *changed: str) -> Affected:
    return select(checkout, [Path(name) for name in changed])


def selected_tests(checkout: Checkout, *changed: str) -> Sequence[str]:
    return sorted(path.as_posix() for path in affected(checkout, *changed).tests)


class TestModules:
    def test_users_of_a_contract_are_affected_in_turn(self, checkout: Checkout) -> None:
        assert affected(checkout, "modules/users/domain.py").modules == {
            "users": "modules/users/domain.py is changed",
            "articles": "needs TokenVerifier of users",
            "comments": "imports modules.articles.contracts",
            "feeds": "imports modules.articles.contracts",
        }

    def test_providers_are_not_affected(self, checkout: Checkout) -> None:
        assert set(affected(checkout, "modules/comments/domain.py").modules) == {"comments"}

    def test_plugin_affects_itself_and_its_tests(self, checkout: Checkout) -> None:
        for file in ("conduit_feeds/module.py", "tests/test_feeds.py", "pyproject.toml"):
            selected = affected(checkout, f"plugins/feeds/{file}")
            assert (set(selected.modules), selected.plugins) == ({"feeds"}, ["feeds"])
            assert selected.tests == [Path(OF_CHECKOUT)]

    def test_plugin_that_assembles_the_application_in_its_tests_is_tested(self, checkout: Checkout) -> None:
        selected = affected(checkout, "modules/comments/domain.py")
        assert (set(selected.modules), selected.plugins) == ({"comments"}, ["search"])


class TestSelection:
    def test_module_selects_its_tests_those_of_its_users_and_those_of_the_application(
        self, checkout: Checkout
    ) -> None:
        assert selected_tests(checkout, "modules/articles/domain.py") == [
            *OF_ARTICLES,
            OF_CHECKOUT,
            "tests/test_routes.py",
            "tests/test_titles.py",
        ]

    @pytest.mark.parametrize("file", ["migrations/0001.py", "migrations/0002.py", "words.txt", "removed.py"])
    def test_file_that_no_import_names_changes_its_whole_module(self, checkout: Checkout, file: str) -> None:
        whole = selected_tests(checkout, "modules/articles/domain.py", "modules/articles/contracts.py")
        assert selected_tests(checkout, f"modules/articles/{file}") == whole

    def test_import_in_a_fixture_is_of_the_tests_that_request_it(self, checkout: Checkout) -> None:
        assert "tests/kernel/test_clock.py" not in selected_tests(checkout, "modules/users/domain.py")

    def test_program_in_a_string_selects_the_test_that_runs_it(self, checkout: Checkout) -> None:
        assert "tests/kernel/test_program.py" in selected_tests(checkout, "modules/comments/domain.py")
        assert "tests/kernel/test_program.py" not in selected_tests(checkout, "modules/users/domain.py")

    def test_support_file_selects_the_tests_that_import_it(self, checkout: Checkout) -> None:
        assert selected_tests(checkout, "tests/builders.py") == ["tests/test_titles.py"]

    def test_test_file_selects_itself(self, checkout: Checkout) -> None:
        assert selected_tests(checkout, "tests/users/test_domain.py") == ["tests/users/test_domain.py"]

    @pytest.mark.parametrize("file", ["conftest.py", "expected.json", "test_removed.py"])
    def test_other_files_of_a_folder_of_tests_select_its_tests(self, checkout: Checkout, file: str) -> None:
        assert selected_tests(checkout, f"tests/articles/{file}") == ["tests/articles/test_domain.py"]

    def test_support_file_that_no_file_imports_selects_the_tests_of_the_application(
        self, checkout: Checkout
    ) -> None:
        assert selected_tests(checkout, "tests/articles/additions.py") == ["tests/test_routes.py"]

    @pytest.mark.parametrize("file", ["docs/modules.md", "modules/users/README.md", "CODEOWNERS"])
    def test_documentation_selects_the_tests_that_read_the_checkout(
        self, checkout: Checkout, file: str
    ) -> None:
        selected = affected(checkout, file)
        assert (selected.modules, selected.tests) == ({}, [Path(OF_CHECKOUT)])

    @pytest.mark.parametrize(
        "file",
        [
            "modules/kernel/__init__.py",
            "modules/removed/module.py",
            "conduit_app/application.py",
            "conduit_devtools/testkit.py",
            "requirements/runtime.txt",
            "pyproject.toml",
            "Makefile",
            "tests/conftest.py",
            "unknown.bin",
        ],
    )
    def test_other_files_select_all_tests(self, checkout: Checkout, file: str) -> None:
        selected = affected(checkout, "docs/modules.md", file)
        assert (selected.everything, selected.tests) == ([Path(file)], [Path("tests")])
        assert set(selected.modules) == {"users", "articles", "comments", "feeds", "search"}
        assert selected.plugins == ["feeds", "search"]

    def test_no_change_selects_nothing(self, checkout: Checkout) -> None:
        assert affected(checkout) == Affected({}, [], [], 8, [])


class TestReport:
    def test_text_has_reasons_and_the_number_of_tests(self, checkout: Checkout) -> None:
        report = render_affected(affected(checkout, "modules/comments/domain.py"), AffectedFormat.TEXT)
        assert report.splitlines() == [
            "comments  modules/comments/domain.py is changed",
            "4 of 8 test files, and the tests of search",
        ]
        report = render_affected(affected(checkout, "Makefile"), AffectedFormat.TEXT)
        assert report == "everything: Makefile is changed\nall tests"

    def test_paths_of_tests_and_plugins_are_one_per_line(self, checkout: Checkout) -> None:
        selected = affected(checkout, "plugins/search/conduit_search/module.py", "tests/users/test_domain.py")
        assert render_affected(selected, AffectedFormat.TESTS).splitlines() == [
            OF_CHECKOUT,
            "tests/users/test_domain.py",
            "plugins/search",
        ]

    def test_json_has_names_and_reasons(self, checkout: Checkout) -> None:
        report = json.loads(render_affected(affected(checkout, "Makefile"), AffectedFormat.JSON))
        assert (report["everything"], report["tests"]) == (["Makefile"], ["tests"])
        assert report["plugins"] == ["feeds", "search"]


def test_command_compares_with_a_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("modules/kernel", "modules/notes", "tests"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("importlinter.ini", "modules/notes/__init__.py", "tests/test_notes.py"):
        (tmp_path / name).write_text("")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    (tmp_path / "modules/notes/__init__.py").write_text("import modules.kernel\n")
    monkeypatch.chdir(tmp_path)
    completed = CliRunner().invoke(main, ["affected", "--against", "HEAD"])
    assert (completed.exit_code, completed.stdout.splitlines()) == (
        0,
        ["notes  modules/notes/__init__.py is changed", "0 of 1 test files"],
    )
    assert CliRunner().invoke(main, ["affected", "--against", "nowhere"]).exit_code == 1


@pytest.mark.slow
@pytest.mark.parametrize("module", ["modules/comments", "plugins/feeds/conduit_feeds"])
def test_tests_that_are_not_selected_see_no_fault(tmp_path: Path, module: str) -> None:
    faults = [path for path in Sources(ROOT).files if path.is_relative_to(module)]
    unselected = Unselected.of(select(Checkout(ROOT), faults))
    tree = FaultyTree(tmp_path, faults)
    # The replay runs all of them, which takes minutes.
    isolated = [name for name in unselected.tests if name.endswith("/test_domain.py")]
    assert len(isolated) > 1
    runs = list(tree.run(replace(unselected, tests=tuple(isolated))))
    assert [run.output for run in runs if run.failed or run.passed == 0] == []


@pytest.mark.slow
def test_seeded_fault_fails_the_tests_of_its_module_and_of_the_application(tmp_path: Path) -> None:
    tree = FaultyTree(tmp_path, [Path("modules/comments/domain/service.py")])
    assert tree.fails("tests/comments/test_domain.py")
    assert tree.fails("tests/conformance/test_tags.py")


def test_change_of_comments_does_not_select_the_tests_of_the_kernel_and_of_profiles() -> None:
    selected = selected_tests(Checkout(ROOT), "modules/comments/domain/service.py")
    assert {"tests/comments/test_domain.py", "tests/conformance/test_comments.py"} <= set(selected)
    assert not {"tests/kernel/test_text.py", "tests/profiles/test_domain.py"} & set(selected)
