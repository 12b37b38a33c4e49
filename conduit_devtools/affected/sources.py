"""The Python files of a checkout and the imports between them. Nothing is imported or run."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conduit_devtools.checks.source import SourceFile

CONFTEST, TESTS = "conftest.py", "tests"
DOTTED_NAME = re.compile(r"\b(modules|conduit_\w+)(\.\w+)+")
PACKAGES = ("modules", "conduit_app", "conduit_devtools", "benchmarks", "tests")


@dataclass(frozen=True)
class Sources:
    """The Python files of the packages, of the plugins, and of their tests."""

    root: Path

    @cached_property
    def files(self) -> Mapping[Path, SourceFile]:
        """The files by path, relative to the root."""
        folders = [self.root / name for name in (*PACKAGES, "plugins")]
        paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
        return {
            path.relative_to(self.root): SourceFile(path, self.root)
            for path in paths
            if not {"build", "node_modules"} & set(path.parts)
        }

    @cached_property
    def imports(self) -> Mapping[Path, frozenset[Path]]:
        """The files that each file imports, at any level, with the packages that contain them."""
        return {path: frozenset(self._imported(file)) - {path} for path, file in self.files.items()}

    def imports_at_top(self, path: Path) -> frozenset[Path]:
        """Return what is imported when the file is, and not only when one of its functions is called."""
        file = self.files[path]
        statements = [node for node in file.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        return frozenset(name for node in statements for name in self.imported_by(file, node)) - {path}

    def imported_by(self, file: SourceFile, statement: ast.stmt) -> Iterator[Path]:
        """Yield the files that one statement imports."""
        yield from (
            path for name, node in file.imports() if node is statement for path in self._files_of(name)
        )

    def names(self, file: SourceFile) -> Iterator[str]:
        """Yield every imported name in full, and in a test every dotted name in a string.

        A test may write a program, or replace an attribute by its name.
        """
        yield from (name for name, _ in file.imports())
        if TESTS in file.relative.parts:
            for text, _ in file.strings:
                yield from (match[0] for match in DOTTED_NAME.finditer(text))

    def _imported(self, file: SourceFile) -> Iterator[Path]:
        for name in self.names(file):
            yield from self._files_of(name)

    def _files_of(self, name: str) -> Iterator[Path]:
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            path = self._by_name.get(".".join(parts[:length]))
            if path is not None:
                yield path

    @cached_property
    def _by_name(self) -> Mapping[str, Path]:
        names = {}
        for path in self.files:
            # The package of a plugin is in the folder of its distribution.
            parts = (path.parts[2:] if path.parts[0] == "plugins" else path.parts)[:-1]
            last = () if path.name == "__init__.py" else (path.stem,)
            names[".".join([*parts, *last])] = path
        return names

    def closure(self, start: Iterable[Path]) -> frozenset[Path]:
        """Return the files with all that they import in turn, but not what a `conftest.py` imports."""
        reached: set[Path] = set()
        pending = list(start)
        while pending:
            path = pending.pop()
            if path not in reached:
                reached.add(path)
                pending += () if path.name == CONFTEST else self.imports[path]
        return frozenset(reached)
