"""Discovery of modules in `modules/` and in installed distributions."""

import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent

import pytest

import modules
from conduit_app.discovery import DiscoveryError, discover, in_tree, names_with_commands

# Modules of the tree with commands.
OWN = ["articles", "comments", "users"]
MANIFEST = """
    from modules.kernel.container import ModuleContainer
    from modules.kernel.module import Module

    MODULE = Module(name="{name}", container=ModuleContainer)
"""

COMMANDS = """
    from modules.kernel.container import ModuleContainer
    from modules.kernel.module import Command, Module


    async def stamp(container: ModuleContainer) -> str:
        return "stamped"


    MODULE = Module(name="{name}", container=ModuleContainer, commands=[Command("all", "Stamp.", stamp)])
"""


@pytest.fixture(autouse=True)
def restored_imports() -> Iterator[None]:
    """Remove a test's sample modules from `sys.modules`."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("modules.ghost", "conduit_ghost")):
            del sys.modules[name]


@pytest.fixture
def tree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is searched for modules like `modules/`."""
    monkeypatch.setattr(modules, "__path__", [*modules.__path__, str(folder)])
    return folder


@pytest.fixture
def site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for installed distributions."""
    monkeypatch.syspath_prepend(folder)
    return folder


def write(file: Path, source: str, name: str = "ghost") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    (file.parent / "__init__.py").touch()
    file.write_text(dedent(source.replace("{name}", name)), encoding="utf-8")


def install(site: Path, entry_point: str, *requirements: str) -> None:
    """Install a distribution with this entry point, as pip would; default: it requires any Conduit."""
    metadata = site / "conduit_ghost-1.0.dist-info"
    metadata.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: conduit-ghost", "Version: 1.0"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requirements or ["realworld-conduit"]]
    (metadata / "METADATA").write_text("\n".join([*lines, ""]))
    (metadata / "entry_points.txt").write_text(f"[conduit.modules]\n{entry_point}\n")


def discovery_error() -> str:
    with pytest.raises(DiscoveryError) as caught:
        discover()
    return str(caught.value)


class TestInTree:
    def test_every_folder_except_the_kernel_is_a_module(self) -> None:
        folders = {file.parent.name for file in Path(modules.__path__[0]).glob("*/module.py")}
        assert folders >= {"articles", "comments", "kernel", "profiles", "users"}
        assert [module.name for module in in_tree()] == sorted(folders - {"kernel"})

    def test_new_folder_is_a_module(self, tree: Path) -> None:
        write(tree / "ghost" / "module.py", MANIFEST)
        assert "ghost" in [module.name for module in discover()]

    def test_folder_without_module_py_is_rejected(self, tree: Path) -> None:
        (tree / "ghost").mkdir()
        (tree / "ghost" / "__init__.py").touch()
        assert discovery_error() == (
            "modules.ghost.module cannot be imported: "
            "ModuleNotFoundError: No module named 'modules.ghost.module'"
        )

    @pytest.mark.parametrize("source", ["", "MODULE = 'ghost'"])
    def test_module_py_without_manifest_is_rejected(self, tree: Path, source: str) -> None:
        write(tree / "ghost" / "module.py", source)
        assert discovery_error() == (
            "modules.ghost.module has no manifest: MODULE must be a modules.kernel.module.Module"
        )

    @pytest.mark.parametrize(
        ("source", "problem"),
        [
            ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
            ("{}['tag']", "KeyError: 'tag'"),
            ("raise RuntimeError('one\\ntwo')", "RuntimeError: one two"),
            ("def", "SyntaxError: invalid syntax (module.py, line 1)"),
        ],
    )
    def test_import_error_is_reported_on_one_line(self, tree: Path, source: str, problem: str) -> None:
        write(tree / "ghost" / "module.py", source)
        assert discovery_error() == f"modules.ghost.module cannot be imported: {problem}"


class TestInstalled:
    def test_module_of_installed_distribution_is_found(self, site: Path) -> None:
        write(site / "conduit_ghost" / "module.py", MANIFEST)
        install(site, "ghost = conduit_ghost.module:MODULE")
        assert discover()[: len(in_tree())] == in_tree()
        assert "ghost" in [module.name for module in discover()]

    @pytest.mark.parametrize(
        ("entry_point", "problem"),
        [
            ("conduit_nowhere:MODULE", "ModuleNotFoundError: No module named 'conduit_nowhere'"),
            (
                "conduit_ghost.module:MODUL",
                "AttributeError: module 'conduit_ghost.module' has no attribute 'MODUL'",
            ),
        ],
    )
    def test_plugin_that_cannot_be_imported_is_named(
        self, site: Path, entry_point: str, problem: str
    ) -> None:
        write(site / "conduit_ghost" / "module.py", MANIFEST)
        install(site, f"ghost = {entry_point}")
        assert discovery_error() == f"plugin ghost cannot be imported: {problem}"

    @pytest.mark.parametrize("entry_point", ["conduit_ghost.module", "conduit_ghost.module:Module"])
    def test_plugin_without_manifest_is_named(self, site: Path, entry_point: str) -> None:
        write(site / "conduit_ghost" / "module.py", MANIFEST)
        install(site, f"ghost = {entry_point}")
        assert (
            discovery_error()
            == f"{entry_point} has no manifest: MODULE must be a modules.kernel.module.Module"
        )

    @pytest.mark.parametrize(
        "requirements",
        [
            ("realworld-conduit>=1,<2",),
            ("RealWorld_Conduit ~= 1.0", "httpx2"),
            ("realworld-conduit", 'realworld-conduit[testkit]>=9; extra == "test"'),
            ("realworld-conduit>=1", 'realworld-conduit>=9; python_version < "3"'),
        ],
    )
    def test_plugin_whose_range_has_the_installed_version_is_found(
        self, site: Path, requirements: tuple[str, ...]
    ) -> None:
        write(site / "conduit_ghost" / "module.py", MANIFEST)
        install(site, "ghost = conduit_ghost.module:MODULE", *requirements)
        assert "ghost" in [module.name for module in discover()]

    @pytest.mark.parametrize(
        ("requirements", "problem"),
        [
            (("realworld-conduit>=2,<3",), "needs realworld-conduit <3,>=2, and {} is installed"),
            (
                ("realworld-conduit>=1", "realworld-conduit!={}"),
                "needs realworld-conduit !={}, and {} is installed",
            ),
            (("httpx2",), "declares no dependency on realworld-conduit, of which {} is installed"),
            (("conduit>=1,<2",), "declares no dependency on realworld-conduit, of which {} is installed"),
            (
                ('realworld-conduit; extra == "test"',),
                "declares no dependency on realworld-conduit, of which {} is installed",
            ),
        ],
    )
    def test_plugin_that_does_not_declare_the_installed_version_is_refused(
        self, site: Path, requirements: tuple[str, ...], problem: str
    ) -> None:
        """Before its import, which another version may break."""
        installed = version("realworld-conduit")
        write(site / "conduit_ghost" / "module.py", "import nowhere")
        declared = [requirement.replace("{}", installed) for requirement in requirements]
        install(site, "ghost = conduit_ghost.module:MODULE", *declared)
        assert discovery_error() == f"plugin ghost {problem.replace('{}', installed)}"

    def test_plugins_come_after_the_modules_of_the_tree(self, site: Path) -> None:
        write(site / "conduit_ghost" / "module.py", MANIFEST, name="aaa")
        install(site, "aaa = conduit_ghost.module:MODULE")
        names = [module.name for module in discover()]
        assert names.index("users") < names.index("aaa")


class TestNamesWithCommands:
    """Besides those of Conduit's own modules."""

    @pytest.mark.parametrize(("source", "expected"), [(COMMANDS, ["ghost"]), (MANIFEST, [])])
    def test_source_of_a_manifest_shows_its_commands(
        self, tree: Path, source: str, expected: list[str]
    ) -> None:
        write(tree / "ghost" / "module.py", source)
        assert sorted(names_with_commands()) == sorted([*OWN, *expected])
        assert "modules.ghost.module" not in sys.modules

    @pytest.mark.parametrize(
        "manifest",
        [
            'create(name="{name}", container=ModuleContainer, commands=COMMANDS)',
            'Module(**{"name": "{name}", "container": ModuleContainer, "commands": COMMANDS})',
            "Module(name=NAME, container=ModuleContainer, commands=COMMANDS)",
        ],
    )
    def test_computed_manifest_is_imported(self, site: Path, manifest: str) -> None:
        computed = COMMANDS.replace("MODULE = Module(", "SAME = Module(")
        computed += f"""
    create, NAME, COMMANDS = Module, "{{name}}", SAME.commands
    MODULE = {manifest}
"""
        write(site / "conduit_ghost" / "module.py", computed)
        install(site, "ghost = conduit_ghost.module:MODULE")
        assert sorted(names_with_commands()) == sorted([*OWN, "ghost"])

    @pytest.mark.parametrize("source", ["def", "import nowhere\nMODULE = None"])
    def test_manifest_that_cannot_be_imported_is_named(self, site: Path, source: str) -> None:
        write(site / "conduit_ghost" / "module.py", source)
        install(site, "ghost = conduit_ghost.module:MODULE")
        with pytest.raises(DiscoveryError, match=r"^plugin ghost cannot be imported: "):
            list(names_with_commands())
