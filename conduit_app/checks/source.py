"""The checkout as text: modules, their files, and their syntax trees. Nothing of it is run."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

KERNEL = "kernel"


@dataclass(frozen=True)
class SourceFile:
    """One Python file of a module."""

    path: Path
    root: Path

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; raises `SyntaxError`."""
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    @property
    def relative(self) -> Path:
        """The file as findings name it."""
        return self.path.relative_to(self.root)

    def strings(self) -> Iterator[tuple[str, ast.AST]]:
        """Yield every piece of text that is not a docstring, with its node, parts of f-strings too."""
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield node.value, node

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Yield every call with the last part of what is called: `f` for f(), a.f() and a.b.f()."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield last_name(node.func), node

    def classes(self) -> Iterator[ast.ClassDef]:
        """Yield every class."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


@dataclass(frozen=True)
class ModuleSource:
    """One module as it lies on the disk: in `modules/`, or in a plugin's distribution."""

    name: str
    folder: Path
    root: Path

    @cached_property
    def files(self) -> Sequence[SourceFile]:
        """Every Python file of the module."""
        return [SourceFile(path, self.root) for path in sorted(self.folder.rglob("*.py"))]

    @property
    def contracts(self) -> SourceFile | None:
        """The file of its contracts."""
        path = self.folder / "contracts.py"
        return SourceFile(path, self.root) if path.exists() else None


@dataclass(frozen=True)
class Checkout:
    """A checkout of Conduit."""

    root: Path

    @cached_property
    def kernel(self) -> ModuleSource:
        """The kernel."""
        return ModuleSource(KERNEL, self.root / "modules" / KERNEL, self.root)

    @cached_property
    def modules(self) -> Sequence[ModuleSource]:
        """Every module, those of `modules/` and those of `plugins/`."""
        in_tree = [
            ModuleSource(folder.name, folder, self.root)
            for folder in sorted((self.root / "modules").iterdir())
            if (folder / "__init__.py").exists() and folder.name != KERNEL
        ]
        plugins = [
            ModuleSource(manifest.parent.parent.name, manifest.parent, self.root)
            for manifest in sorted((self.root / "plugins").glob("*/conduit_*/module.py"))
        ]
        return [*in_tree, *plugins]

    @cached_property
    def application(self) -> ModuleSource:
        """The composition root, read like a module."""
        return ModuleSource("conduit_app", self.root / "conduit_app", self.root)


def last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name, or "" for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def text_of(node: ast.AST | None) -> str | None:
    """Return the text that a node is, if it is plain text."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
