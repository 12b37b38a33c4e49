"""The checkout as text: modules, their files, and their syntax trees. Nothing of it is run."""

import ast
import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

from conduit_devtools.checks.finding import RULES, Finding

NodeT = TypeVar("NodeT", bound=ast.AST)

KERNEL = "kernel"
HOLE = "{}"
"""What stands for a replacement field in the text of an f-string."""


@dataclass(frozen=True)
class SourceFile:
    """One Python file of a module."""

    path: Path
    root: Path

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; raises `SyntaxError`, or `ValueError` when the file is not text."""
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    def nodes(self, kind: type[NodeT]) -> Sequence[NodeT]:
        """Every node of this very class, from the outside in."""
        return cast("Sequence[NodeT]", self._nodes[kind])

    @cached_property
    def _nodes(self) -> Mapping[type[ast.AST], Sequence[ast.AST]]:
        nodes: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in ast.walk(self.tree):
            nodes[type(node)].append(node)
        return nodes

    @property
    def relative(self) -> Path:
        """The file as findings name it."""
        return self.path.relative_to(self.root)

    def finding(self, rule: str, node: ast.AST, message: str) -> Finding:
        """Return a breach of this rule at this node."""
        return Finding(RULES[rule], self.relative, getattr(node, "lineno", 1), message)

    @cached_property
    def strings(self) -> Sequence[tuple[str, ast.expr]]:
        """Every text that is not a docstring, with its node.

        An f-string is one text with `HOLE`s, and so is what is added up with `+`.
        """
        documented: list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = [
            *self.nodes(ast.Module),
            *self.nodes(ast.ClassDef),
            *self.nodes(ast.FunctionDef),
            *self.nodes(ast.AsyncFunctionDef),
        ]
        firsts = [node.body[0] for node in documented if node.body]
        told = {id(first.value) for first in firsts if isinstance(first, ast.Expr)}
        told |= {id(part) for node in self.nodes(ast.JoinedStr) for part in node.values}
        sums = [node for node in self.nodes(ast.BinOp) if isinstance(node.op, ast.Add)]
        told |= {id(part) for node in sums for part in (node.left, node.right)}
        plain = [node for node in self.nodes(ast.Constant) if isinstance(node.value, str)]
        texts: list[ast.expr] = [*sums, *self.nodes(ast.JoinedStr), *plain]
        return [(_template(node), node) for node in texts if id(node) not in told]

    @cached_property
    def calls(self) -> Sequence[tuple[str, ast.Call]]:
        """Every call with the last part of what is called: `f` for f(), a.f() and a.b.f()."""
        return [(last_name(node.func), node) for node in self.nodes(ast.Call)]

    @property
    def classes(self) -> Sequence[ast.ClassDef]:
        """Every class."""
        return self.nodes(ast.ClassDef)

    def imports(self) -> Iterator[tuple[str, ast.stmt]]:
        """Yield the full name of everything that is imported: `a`, and `a.b` too, for `from a import b`."""
        for node in self.nodes(ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        for statement in self.nodes(ast.ImportFrom):
            above = self.relative.parts[: -statement.level] if statement.level else ()
            origin = ".".join([*above, *([statement.module] if statement.module else [])])
            yield origin, statement
            yield from ((f"{origin}.{alias.name}", statement) for alias in statement.names)


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

    @cached_property
    def contracts(self) -> SourceFile | None:
        """The file of its contracts."""
        return next((file for file in self.files if file.path == self.folder / "contracts.py"), None)


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
        return [*in_tree, *self.plugins]

    @cached_property
    def plugins(self) -> Sequence[ModuleSource]:
        """Every module of `plugins/`."""
        return [
            ModuleSource(manifest.parent.parent.name, manifest.parent, self.root)
            for manifest in sorted((self.root / "plugins").glob("*/conduit_*/module.py"))
        ]

    @cached_property
    def application(self) -> ModuleSource:
        """The composition root, read like a module."""
        return ModuleSource("conduit_app", self.root / "conduit_app", self.root)

    @cached_property
    def devtools(self) -> ModuleSource:
        """The developer tools, read like a module."""
        return ModuleSource("conduit_devtools", self.root / "conduit_devtools", self.root)

    @property
    def programs(self) -> Sequence[ModuleSource]:
        """The packages above the modules: the application and the developer tools."""
        return [self.application, self.devtools]

    @property
    def parts(self) -> Sequence[ModuleSource]:
        """Everything that is checked: the kernel, every module, and the programs above them."""
        return [self.kernel, *self.modules, *self.programs]


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: syntax trees are many objects and none, and looking took a quarter."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name, or "" for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def dotted_name(node: ast.AST) -> str:
    """Return a whole dotted name, or "" for anything else."""
    if isinstance(node, ast.Attribute):
        before = dotted_name(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def text_of(node: ast.AST | None) -> str | None:
    """Return the text that a node is, if it is plain text."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _template(node: ast.expr) -> str:
    """Return the text that an expression makes, with a `HOLE` for each part that only running shows."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_template, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _template(node.left) + _template(node.right)
    text = text_of(node)
    return HOLE if text is None else text


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """Return what a call passes for this parameter, by position or by name."""
    if len(call.args) > position:
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
