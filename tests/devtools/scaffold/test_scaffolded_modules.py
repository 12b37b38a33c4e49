"""Generated modules pass every step of `make test` without changes."""

import ast
import json
import shutil
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.devtools.scaffold.conftest import NEW, ROOT, copy_tree, run

pytestmark = pytest.mark.slow

# A name of the maximum length, which changes line breaks.
PLUGIN = "plugin_that_no_one_will_install"


class Generated(NamedTuple):
    """A copy of the checkout with a generated module and plugin, and the output for each."""

    root: Path
    module_output: str
    plugin_output: str

    @property
    def plugin(self) -> Path:
        """The folder of the plugin."""
        return self.root / "plugins" / PLUGIN

    @property
    def folders(self) -> list[str]:
        """The generated folders."""
        return [f"modules/{NEW}", f"tests/{NEW}", f"plugins/{PLUGIN}"]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """Generate a module and a plugin with the command."""
    root = copy_tree(tmp_path_factory.mktemp("generated"))
    outputs = []
    for arguments in ([NEW], [PLUGIN, "--plugin"]):
        completed = run(root, "conduit_app.cli", "new-module", *arguments)
        assert completed.returncode == 0, completed.stderr
        outputs.append(completed.stdout)
    return Generated(root, *outputs)


def test_next_steps_are_printed(generated: Generated) -> None:
    summary, *steps = generated.module_output.splitlines()
    assert summary == f"Generated modules/{NEW} and tests/{NEW}; added {NEW} to CODEOWNERS and docs/."
    assert [step.split("  ")[1] for step in steps[1:]] == [
        "make test",
        "make run",
        f"modules/{NEW}/domain",
        "CODEOWNERS, module.py",
    ]
    assert f"cd plugins/{PLUGIN} && ../../.venv/bin/python -m pytest" in generated.plugin_output


def test_generated_code_passes_ruff(generated: Generated) -> None:
    formatted = run(generated.root, "ruff", "format", "--check", "--no-cache", *generated.folders)
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr
    linted = run(generated.root, "ruff", "check", "--no-cache", *generated.folders)
    assert linted.returncode == 0, linted.stdout


def test_generated_code_passes_mypy(generated: Generated) -> None:
    # The cache of `make types` makes this ten times faster.
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", generated.root / ".mypy_cache")
    # Separately: the tests of a plugin are not in the packages of the tree. `make plugins` does so too.
    for folders in (generated.folders[:2], generated.folders[2:]):
        completed = run(generated.root, "mypy", *folders)
        assert completed.returncode == 0, completed.stdout


def test_architecture_check_passes_and_snapshots_contain_the_module(generated: Generated) -> None:
    checked = run(generated.root, "conduit_app.cli", "check")
    assert (checked.returncode, checked.stdout) == (0, "architecture check passed\n"), checked.stdout
    part = json.loads((generated.root / "modules" / NEW / "openapi.json").read_text())
    assert set(part["paths"][f"/api/{NEW}"]) == {"get", "post"}
    assert f"- `POST /api/{NEW}`: " in (generated.root / "modules" / NEW / "README.md").read_text()
    assert f"### {NEW}\n" in (generated.root / "docs/architecture.md").read_text()


def test_tests_of_a_generated_module_pass(generated: Generated) -> None:
    completed = run(generated.root, "pytest", "-p", "no:cacheprovider", f"tests/{NEW}")
    assert completed.returncode == 0, completed.stdout
    assert "32 passed" in completed.stdout


def test_tests_of_a_generated_plugin_pass(generated: Generated) -> None:
    completed = run(generated.plugin, "pytest", "-p", "no:cacheprovider", path=(generated.root,))
    assert completed.returncode == 0, completed.stdout
    assert "32 passed" in completed.stdout


def test_plugin_is_discovered_by_its_entry_point(generated: Generated, tmp_path: Path) -> None:
    """The metadata of an installation is in a folder on the path, so that nothing is installed."""
    project = tomllib.loads((generated.plugin / "pyproject.toml").read_text())["project"]
    metadata = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        + "".join(f"Requires-Dist: {requirement}\n" for requirement in project["dependencies"])
    )
    (metadata / "RECORD").write_text(f"conduit_{PLUGIN}/__init__.py,,\n")
    entries = [f"{name} = {value}" for name, value in project["entry-points"]["conduit.modules"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[conduit.modules]", *entries]))

    completed = run(
        generated.root, "conduit_app.cli", "modules", "--format", "json", path=(generated.plugin, tmp_path)
    )
    assert completed.returncode == 0, completed.stderr
    modules = {module["name"]: module for module in json.loads(completed.stdout)["modules"]}
    package = generated.plugin / f"conduit_{PLUGIN}" / "__init__.py"
    assert modules[PLUGIN] == {
        "name": PLUGIN,
        "version": "0.1.0",
        "summary": ast.get_docstring(ast.parse(package.read_text())),
        "needs": {"TokenVerifier": "users", "UserDirectory": "users"},
        "offers": [],
        "routes": [f"POST /api/{PLUGIN}", f"GET /api/{PLUGIN}"],
        "tables": [f"{PLUGIN}_entry"],
        "publishes": [],
        "handles": {"UserDeleted": "users"},
        "after_commit": [],
        "contract": "1.0",
        "built_with": {"users": "1.0"},
        "owner": f"@conduit/{PLUGIN}",
    }
    assert (modules[NEW]["contract"], modules[NEW]["built_with"]) == ("1.0", {})
    assert modules[NEW]["tables"] == [f"{NEW}_entry"]
