"""What `conduit new-module` has written passes all that `make test` demands, as it is."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.devtools.scaffold.conftest import NEW, ROOT, copy_tree, run

pytestmark = pytest.mark.slow

# As long as a name can be: lines break elsewhere.
PLUGIN = "plugin_that_no_one_will_install"


class Written(NamedTuple):
    """A copy of the tree in which a module and a plugin were written, and what was said."""

    root: Path
    of_module: str
    of_plugin: str

    @property
    def plugin(self) -> Path:
        """The folder of the plugin."""
        return self.root / "plugins" / PLUGIN

    @property
    def folders(self) -> list[str]:
        """What was written."""
        return [f"modules/{NEW}", f"tests/{NEW}", f"plugins/{PLUGIN}"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Write a module and a plugin with the program."""
    root = copy_tree(tmp_path_factory.mktemp("written"))
    said = []
    for arguments in ([NEW], [PLUGIN, "--plugin"]):
        done = run(root, "conduit_app.cli", "new-module", *arguments)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    return Written(root, *said)


def test_the_next_steps_are_said(written: Written) -> None:
    first, *steps = written.of_module.splitlines()
    assert first == f"modules/{NEW} and tests/{NEW} are written, {NEW} is in CODEOWNERS and in docs/."
    assert [step.split("  ")[1] for step in steps[1:]] == [
        "make test",
        "make run",
        f"modules/{NEW}/domain",
        "CODEOWNERS",
    ]
    assert f"cd plugins/{PLUGIN} && ../../.venv/bin/python -m pytest" in written.of_plugin


def test_it_is_formatted_and_without_lint(written: Written) -> None:
    formatted = run(written.root, "ruff", "format", "--check", "--no-cache", *written.folders)
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr
    linted = run(written.root, "ruff", "check", "--no-cache", *written.folders)
    assert linted.returncode == 0, linted.stdout


def test_its_types_are_right(written: Written) -> None:
    # With what `make types` has learned of all the libraries, this takes a tenth of the time.
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", written.root / ".mypy_cache")
    # A plugin's tests are packages of their own: mypy takes one plugin at a time, as `make plugins` does.
    for checked in (written.folders[:2], written.folders[2:]):
        typed = run(written.root, "mypy", *checked)
        assert typed.returncode == 0, typed.stdout


def test_the_architecture_holds_and_its_snapshots_are_fresh(written: Written) -> None:
    checked = run(written.root, "conduit_app.cli", "check")
    assert (checked.returncode, checked.stdout) == (0, "the architecture holds\n"), checked.stdout
    document = json.loads((written.root / "docs/openapi.json").read_text())
    assert set(document["paths"][f"/api/{NEW}"]) == {"get", "post"}
    assert f"### {NEW}\n" in (written.root / "docs/architecture.md").read_text()


def test_a_module_of_the_tree_proves_itself(written: Written) -> None:
    proved = run(written.root, "pytest", "-p", "no:cacheprovider", f"tests/{NEW}")
    assert proved.returncode == 0, proved.stdout
    assert "31 passed" in proved.stdout


def test_a_plugin_proves_itself(written: Written) -> None:
    proved = run(written.plugin, "pytest", "-p", "no:cacheprovider", path=(written.root,))
    assert proved.returncode == 0, proved.stdout
    assert "31 passed" in proved.stdout


def test_a_plugin_is_there_once_its_entry_point_is(written: Written, tmp_path: Path) -> None:
    """Its metadata lies in a folder on the path, as an installation would leave it: nothing is installed."""
    project = tomllib.loads((written.plugin / "pyproject.toml").read_text())["project"]
    metadata = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (metadata / "RECORD").write_text(f"conduit_{PLUGIN}/__init__.py,,\n")
    entries = [f"{name} = {value}" for name, value in project["entry-points"]["conduit.modules"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[conduit.modules]", *entries]))

    shown = run(
        written.root, "conduit_app.cli", "modules", "--format", "json", path=(written.plugin, tmp_path)
    )
    assert shown.returncode == 0, shown.stderr
    cards = {card["name"]: card for card in json.loads(shown.stdout)["modules"]}
    assert cards[PLUGIN] == {
        "name": PLUGIN,
        "version": "0.1.0",
        "summary": "What users keep in their plugin that no one will install: entries of one line, each its "
        "owner's alone.",
        "needs": {"TokenVerifier": "users"},
        "offers": [],
        "routes": [f"POST /api/{PLUGIN}", f"GET /api/{PLUGIN}"],
        "tables": [f"{PLUGIN}_entry"],
        "publishes": [],
        "handles": {"UserDeleted": "users"},
        "after_commit": [],
    }
    assert cards[NEW]["tables"] == [f"{NEW}_entry"]
