"""What `conduit new-module` does to a checkout: all of it, or nothing."""

import configparser
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Never

import pytest

from conduit_devtools.checks.runtime_checks import Snapshots
from conduit_devtools.checks.source import Checkout
from conduit_devtools.scaffold import writing
from conduit_devtools.scaffold.naming import ModuleName, ModuleRefused
from conduit_devtools.scaffold.plan import Plan, plan_in_tree, plan_plugin
from conduit_devtools.scaffold.writing import write_module
from tests.devtools.scaffold.conftest import NEW, ROOT, files, run

DOCUMENT = Path("docs/openapi.json")


def remade(_checkout: Checkout) -> Snapshots:
    """Return snapshots that change one file and make another."""
    return Snapshots({DOCUMENT: "{}\n", Path("docs/new.md"): "new\n"})


def failing(error: BaseException) -> Callable[[Checkout], Snapshots]:
    """Return what fails to make snapshots."""

    def fail(_checkout: Checkout) -> Never:
        raise error

    return fail


def owners(tree: Path, kind: str) -> list[str]:
    """Return the lines of CODEOWNERS that begin like this."""
    return [line for line in (tree / "CODEOWNERS").read_text().splitlines() if line.startswith(kind)]


class TestRefusals:
    @pytest.mark.parametrize("plan", [plan_in_tree, plan_plugin])
    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("comments", "there is a module called comments already"),
            ("bookmarks", "there is a module called bookmarks already"),
            ("comments_archive", "the tables of comments_archive and of comments could not be told apart"),
            ("tags", "the routes of tags would be /api/tags: there is /api/tags already"),
            ("user", "the routes of user would be /api/user: there is /api/user already"),
        ],
    )
    def test_a_name_that_is_taken_is_refused_and_nothing_is_written(
        self, tree: Path, plan: Callable[[ModuleName], Plan], name: str, why: str
    ) -> None:
        before = files(tree)
        with pytest.raises(ModuleRefused) as refusal:
            write_module(Checkout(tree), plan(ModuleName(name)), remade)
        assert str(refusal.value).startswith(why)
        assert files(tree) == before

    @pytest.mark.parametrize(
        ("there", "why"),
        [
            (f"tests/{NEW}/test_x.py", f"there is tests/{NEW} already"),
            (f"tests/{NEW}.py", f"there is tests/{NEW}.py already"),
            (f"modules/{NEW}/left_over.txt", f"there is modules/{NEW} already"),
        ],
    )
    def test_what_is_there_already_is_left_alone(self, tree: Path, there: str, why: str) -> None:
        (tree / there).parent.mkdir(exist_ok=True)
        (tree / there).touch()
        before = files(tree)
        with pytest.raises(ModuleRefused, match=why):
            write_module(Checkout(tree), plan_in_tree(ModuleName(NEW)), remade)
        assert files(tree) == before

    def test_the_program_tells_it_in_one_line(self, tree: Path) -> None:
        before = files(tree)
        done = run(tree, "conduit_app.cli", "new-module", "Notes")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            "conduit: a module cannot be called 'Notes': a name is made of lower-case letters, digits and "
            "single underscores between them, and begins with a letter\n"
        )
        assert files(tree) == before

    def test_the_program_of_another_checkout_refuses(self, tree: Path) -> None:
        with pytest.raises(ModuleRefused, match=r"not of this folder; call \.venv/bin/conduit here"):
            writing.require_running(Checkout(tree))
        writing.require_running(Checkout(ROOT))


class TestHalfWay:
    @pytest.mark.parametrize("error", [ValueError("composition failed"), KeyboardInterrupt()])
    def test_when_docs_cannot_be_made_nothing_stays(self, tree: Path, error: BaseException) -> None:
        before = files(tree)
        with pytest.raises(type(error)):
            write_module(Checkout(tree), plan_in_tree(ModuleName(NEW)), failing(error))
        assert files(tree) == before

    def test_when_the_last_file_cannot_be_written_docs_are_as_before(self, tree: Path) -> None:
        (tree / "CODEOWNERS").unlink()
        (tree / "CODEOWNERS").mkdir()
        before = files(tree)
        with pytest.raises(IsADirectoryError):
            write_module(Checkout(tree), plan_in_tree(ModuleName(NEW)), remade)
        assert files(tree) == before

    def test_without_ruff_nothing_is_written(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writing, "find_spec", lambda _name: None)
        before = files(tree)
        with pytest.raises(ModuleNotFoundError) as error:
            write_module(Checkout(tree), plan_in_tree(ModuleName(NEW)), remade)
        assert error.value.name == "ruff"
        assert files(tree) == before


class TestWritten:
    def test_a_module_in_the_tree_is_its_folders_its_owner_and_docs(self, tree: Path) -> None:
        before = files(tree)
        plan = plan_in_tree(ModuleName(NEW))
        write_module(Checkout(tree), plan, remade)
        after = files(tree)
        changed = {path for path in before | after if before.get(path) != after.get(path)}
        new = {path for path in changed if (tree / path).is_file()}
        assert new == {*plan.texts, DOCUMENT, Path("docs/new.md"), Path("CODEOWNERS")}
        assert owners(tree, "/modules/")[-1] == f"/modules/{NEW}/ @conduit/{NEW}"

    def test_a_plugin_is_its_folder_and_its_owner(self, tree: Path) -> None:
        before = files(tree)
        plan = plan_plugin(ModuleName(NEW))
        write_module(Checkout(tree), plan, failing(AssertionError("docs show no plugins")))
        after = files(tree)
        new = {path for path in after if before.get(path) != after[path] and (tree / path).is_file()}
        assert new == {*plan.texts, Path("CODEOWNERS")}
        assert owners(tree, "/plugins/")[-1] == f"/plugins/{NEW}/ @conduit/{NEW}"

    def test_without_others_of_its_kind_its_owner_comes_last(self, tree: Path) -> None:
        (tree / "CODEOWNERS").write_text("")
        write_module(Checkout(tree), plan_plugin(ModuleName(NEW)))
        assert owners(tree, "") == [f"/plugins/{NEW}/ @conduit/{NEW}"]


class TestPluginsAreAlike:
    """What is written for a new plugin is what plugins/bookmarks shows, so that neither grows old."""

    def test_in_the_contracts_of_their_imports(self) -> None:
        file = Path("plugins/bookmarks/importlinter.ini")
        written, model = configparser.ConfigParser(), configparser.ConfigParser()
        written.read_string(plan_plugin(ModuleName("bookmarks")).texts[file])
        model.read_string((ROOT / file).read_text())
        assert written == model

    def test_in_how_they_are_built_found_and_tested(self) -> None:
        file = Path("plugins/bookmarks/pyproject.toml")
        written = tomllib.loads(plan_plugin(ModuleName("bookmarks")).texts[file])
        model = tomllib.loads((ROOT / file).read_text())
        for own in ("version", "description"):
            del written["project"][own], model["project"][own]
        assert written == model
