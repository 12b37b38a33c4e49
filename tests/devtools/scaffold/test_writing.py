"""The changes that `conduit new-module` makes to a checkout: all of them, or none."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Never

import pytest

from conduit_devtools.checks.snapshots import Snapshots
from conduit_devtools.checks.source import Checkout
from conduit_devtools.scaffold import writing
from conduit_devtools.scaffold.naming import InvalidModule, ModuleName
from conduit_devtools.scaffold.plan import Plan, plan_in_tree, plan_plugin
from conduit_devtools.scaffold.writing import write_module
from tests.devtools.scaffold.conftest import NEW, ROOT, files, run

GRAPH = Path("docs/architecture.md")


def fake_snapshots(_checkout: Checkout) -> Snapshots:
    """Return snapshots that change one file and create another."""
    return Snapshots({GRAPH: "{}\n", Path("docs/new.md"): "new\n"})


def failing(error: BaseException) -> Callable[[Checkout], Snapshots]:
    """Return a function that raises the error instead of returning snapshots."""

    def fail(_checkout: Checkout) -> Never:
        raise error

    return fail


def owners(tree: Path, prefix: str) -> list[str]:
    """Return the lines of CODEOWNERS that start with the prefix."""
    return [line for line in (tree / "CODEOWNERS").read_text().splitlines() if line.startswith(prefix)]


class TestConflicts:
    @pytest.mark.parametrize("plan", [plan_in_tree, plan_plugin])
    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("comments", "module comments already exists"),
            ("bookmarks", "module bookmarks already exists"),
            ("tags", "the route /api/tags already exists"),
        ],
    )
    def test_existing_name_or_route_is_rejected_before_writing(
        self, tree: Path, plan: Callable[[ModuleName], Plan], name: str, why: str
    ) -> None:
        before = files(tree)
        with pytest.raises(InvalidModule) as raised:
            write_module(Checkout(tree), plan(ModuleName(name)), fake_snapshots)
        assert str(raised.value) == why
        assert files(tree) == before

    @pytest.mark.parametrize(
        ("existing", "why"),
        [
            (f"tests/{NEW}/test_x.py", f"tests/{NEW} already exists"),
            (f"tests/{NEW}.py", f"tests/{NEW}.py already exists"),
            (f"modules/{NEW}/left_over.txt", f"modules/{NEW} already exists"),
        ],
    )
    def test_existing_files_are_not_overwritten(self, tree: Path, existing: str, why: str) -> None:
        (tree / existing).parent.mkdir(exist_ok=True)
        (tree / existing).touch()
        before = files(tree)
        with pytest.raises(InvalidModule, match=why):
            write_module(Checkout(tree), plan_in_tree(ModuleName(NEW)), fake_snapshots)
        assert files(tree) == before

    def test_command_fails_with_one_line(self, tree: Path) -> None:
        before = files(tree)
        completed = run(tree, "conduit_app.cli", "new-module", "Notes")
        assert (completed.returncode, completed.stdout) == (1, "")
        assert completed.stderr == (
            "conduit: invalid module name 'Notes': use lower-case letters, digits and single underscores, "
            "and start with a letter\n"
        )
        assert files(tree) == before

    def test_program_of_another_checkout_is_rejected(self, tree: Path) -> None:
        with pytest.raises(InvalidModule, match=r"not to this folder; run \.venv/bin/conduit"):
            writing.require_this_checkout(Checkout(tree))
        writing.require_this_checkout(Checkout(ROOT))


class TestRollback:
    @pytest.mark.parametrize("error", [ValueError("composition failed"), KeyboardInterrupt()])
    def test_failed_snapshots_leave_no_files(self, tree: Path, error: BaseException) -> None:
        before = files(tree)
        with pytest.raises(type(error)):
            write_module(Checkout(tree), plan_in_tree(ModuleName(NEW)), failing(error))
        assert files(tree) == before

    def test_failed_codeowners_restores_the_docs(self, tree: Path) -> None:
        (tree / "CODEOWNERS").unlink()
        (tree / "CODEOWNERS").mkdir()
        before = files(tree)
        with pytest.raises(IsADirectoryError):
            write_module(Checkout(tree), plan_in_tree(ModuleName(NEW)), fake_snapshots)
        assert files(tree) == before

    def test_missing_ruff_is_detected_before_writing(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writing, "find_spec", lambda _name: None)
        before = files(tree)
        with pytest.raises(ModuleNotFoundError) as error:
            write_module(Checkout(tree), plan_in_tree(ModuleName(NEW)), fake_snapshots)
        assert error.value.name == "ruff"
        assert files(tree) == before


class TestFiles:
    def test_module_adds_its_folders_owner_and_docs(self, tree: Path) -> None:
        before = files(tree)
        plan = plan_in_tree(ModuleName(NEW))
        write_module(Checkout(tree), plan, fake_snapshots)
        after = files(tree)
        changed = {path for path in before | after if before.get(path) != after.get(path)}
        new = {path for path in changed if (tree / path).is_file()}
        assert new == {*plan.texts, GRAPH, Path("docs/new.md"), Path("CODEOWNERS")}
        assert owners(tree, "/modules/").count(f"/modules/{NEW}/ @conduit/{NEW}") == 1
        assert owners(tree, "/") == sorted(owners(tree, "/"))

    def test_plugin_adds_its_folder_and_owner(self, tree: Path) -> None:
        before = files(tree)
        plan = plan_plugin(ModuleName(NEW))
        write_module(Checkout(tree), plan, failing(AssertionError("a plugin changes no snapshots")))
        after = files(tree)
        new = {path for path in after if before.get(path) != after[path] and (tree / path).is_file()}
        assert new == {*plan.texts, Path("CODEOWNERS")}
        assert owners(tree, "/plugins/").count(f"/plugins/{NEW}/ @conduit/{NEW}") == 1

    def test_first_owner_is_appended_to_codeowners(self, tree: Path) -> None:
        (tree / "CODEOWNERS").write_text("")
        write_module(Checkout(tree), plan_plugin(ModuleName(NEW)))
        assert owners(tree, "") == [f"/plugins/{NEW}/ @conduit/{NEW}"]


class TestGeneratedPlugin:
    """Compared with plugins/bookmarks, so that the templates and the plugin stay the same."""

    def test_project_file_equals_that_of_bookmarks(self) -> None:
        file = Path("plugins/bookmarks/pyproject.toml")
        generated = tomllib.loads(plan_plugin(ModuleName("bookmarks")).texts[file])
        expected = tomllib.loads((ROOT / file).read_text())
        for key in ("version", "description"):
            del generated["project"][key], expected["project"][key]
        assert generated == expected
