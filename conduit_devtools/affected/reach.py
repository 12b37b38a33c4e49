"""What a test file can see: the files that it imports, the assembled application, or the whole checkout."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conduit_devtools.affected.sources import CONFTEST, Sources
from conduit_devtools.checks.source import SourceFile, dotted_name, last_name

APPLICATION = "conduit_app"
# They find files that no import names: in the checkout, by the name of a package, or in another process.
SEARCHES = frozenset({"ROOT", "executable", "walk_packages", "iter_modules", "run_module"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Reach:
    """What the code of a test depends on.

    The application finds the modules of the tree by their folders, so its tests depend on all modules.
    """

    imports: frozenset[Path] = frozenset()
    application: bool = False
    checkout: bool = False

    def __or__(self, other: "Reach") -> "Reach":
        return Reach(
            self.imports | other.imports,
            self.application or other.application,
            self.checkout or other.checkout,
        )


class ReachOfTests:
    """The reach of the test files of a checkout.

    A support file has one reach. A `conftest.py` has one per fixture: importing it assembles no application.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._files: dict[Path, Reach] = {}
        self._fixtures: dict[tuple[Path, str], Reach] = {}

    def of(self, test: Path) -> Reach:
        """Return the reach of a test file, with that of the fixtures that it requests."""
        reach = self._file(test)
        conftests = self._conftests(test)
        names = {name for function in functions(self._sources.files[test]) for name in requested(function)}
        names |= {text for text, _ in self._sources.files[test].strings if text.isidentifier()}
        for conftest in conftests:
            reach |= Reach(self._sources.closure(self._sources.imports_at_top(conftest)))
            names |= set(self._definitions(conftest).autouse)
        for name in names:
            reach |= self._fixture(name, conftests)
        return reach

    def _file(self, path: Path) -> Reach:
        """Return the reach of a file with that of the support files that it imports."""
        if path in self._files:
            return self._files[path]
        self._files[path] = Reach()  # of a file in a cycle
        file, imports = self._sources.files[path], self._sources.imports[path]
        reach = Reach(
            self._sources.closure(imports),
            any(name.split(".")[0] == APPLICATION for name in self._sources.names(file)),
            searches(file.tree),
        )
        for imported in imports:
            if imported.parts[0] == "tests" and imported.name != CONFTEST:
                reach |= self._file(imported)
            elif imported.name == CONFTEST:
                reach |= self._all_fixtures(imported)
        self._files[path] = reach
        return reach

    def _all_fixtures(self, conftest: Path) -> Reach:
        reach = Reach()
        for name in self._definitions(conftest).functions:
            reach |= self._fixture(name, self._conftests(conftest))
        return reach

    def _fixture(self, name: str, conftests: Sequence[Path]) -> Reach:
        """Return the reach of all fixtures with this name: one that is overridden may be requested, too."""
        reach = Reach()
        for conftest in conftests:
            if name in self._definitions(conftest).functions:
                reach |= self._function(conftest, name, conftests)
        return reach

    def _function(self, conftest: Path, name: str, conftests: Sequence[Path]) -> Reach:
        key = (conftest, name)
        if key in self._fixtures:
            return self._fixtures[key]
        self._fixtures[key] = Reach()  # of a fixture that requests the one that it overrides
        definitions, file = self._definitions(conftest), self._sources.files[conftest]
        function = definitions.functions[name]
        reach = Reach(checkout=searches(function))
        used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        called = {
            dotted_name(node.func).split(".")[0] for node in ast.walk(function) if isinstance(node, ast.Call)
        }
        for statement in ast.walk(file.tree):
            if not isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            bound = {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
            inside = any(statement is node for node in ast.walk(function))
            imported = frozenset(self._sources.imported_by(file, statement))
            if inside or bound & used:
                reach |= Reach(self._sources.closure(imported))
                for path in (path for path in imported if path.parts[0] == "tests"):
                    reach |= self._file(path) if path.name != CONFTEST else self._all_fixtures(path)
            if (inside or bound & called) and any(path.parts[0] == APPLICATION for path in imported):
                reach |= Reach(application=True)
        for other in {*requested(function), *used}:
            reach |= self._fixture(other, conftests)
        if "getfixturevalue" in {
            last_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)
        }:
            # Its argument may be computed.
            for other in definitions.functions:
                reach |= self._fixture(other, conftests)
        self._fixtures[key] = reach
        return reach

    def _conftests(self, path: Path) -> Sequence[Path]:
        """Return the conftest files that apply to a test file."""
        return [
            folder / CONFTEST for folder in reversed(path.parents) if folder / CONFTEST in self._sources.files
        ]

    def _definitions(self, conftest: Path) -> "_Definitions":
        return _Definitions(self._sources.files[conftest])


@dataclass(frozen=True)
class _Definitions:
    """The functions at the top level of a conftest file."""

    file: SourceFile

    @cached_property
    def functions(self) -> Mapping[str, Function]:
        return {node.name: node for node in self.file.tree.body if isinstance(node, Function)}

    @cached_property
    def autouse(self) -> Sequence[str]:
        return [
            name
            for name, function in self.functions.items()
            for decorator in function.decorator_list
            if isinstance(decorator, ast.Call)
            and any(keyword.arg == "autouse" for keyword in decorator.keywords)
        ]


def functions(file: SourceFile) -> Iterator[Function]:
    """Yield every function and method of a file."""
    yield from file.nodes(ast.FunctionDef)
    yield from file.nodes(ast.AsyncFunctionDef)


def requested(function: Function) -> frozenset[str]:
    """Return the names of the parameters: of a test or a fixture, they are fixtures."""
    arguments = function.args
    return frozenset(item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))


def searches(tree: ast.AST) -> bool:
    """Return whether the code finds files that no import names."""
    return any(_searches(node) for node in ast.walk(tree))


def _searches(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and node.attr == "parents":
        return any(isinstance(inner, ast.Name) and inner.id == "__file__" for inner in ast.walk(node))
    if isinstance(node, ast.Call) and last_name(node.func) == "import_module":
        # A support file below tests/ that no import names is found in this way: see `classify`.
        return not ast.unparse(node.args[0]).startswith(("f'tests.", "'tests."))
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in SEARCHES
