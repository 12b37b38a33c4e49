"""The source of a checkout: packages, files and syntax trees. Nothing is imported or run."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

from conduit_devtools.checks.finding import RULES, Finding

NodeT = TypeVar("NodeT", bound=ast.AST)

KERNEL = "kernel"
PLACEHOLDER = "{}"
"""Replaces a computed part in the text of an expression."""


@dataclass(frozen=True)
class SourceFile:
    """A Python file of a package."""

    path: Path
    root: Path

    @cached_property
    def text(self) -> str:
        """The source. Raises `ValueError` if the file is not text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree. Raises `SyntaxError`, or `ValueError` if the file is not text."""
        return ast.parse(self.text, str(self.path))

    def nodes(self, kind: type[NodeT]) -> Sequence[NodeT]:
        """Return every node of exactly this class, outer nodes first."""
        return cast("Sequence[NodeT]", self._nodes[kind])

    @cached_property
    def _nodes(self) -> Mapping[type[ast.AST], Sequence[ast.AST]]:
        nodes: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in ast.walk(self.tree):
            nodes[type(node)].append(node)
        return nodes

    @property
    def relative(self) -> Path:
        """The path relative to the root of the checkout."""
        return self.path.relative_to(self.root)

    def finding(self, rule: str, node: ast.AST, message: str, about: str = "") -> Finding:
        """Return a finding for the rule at the node, which may concern another module."""
        return Finding(RULES[rule], self.relative, getattr(node, "lineno", 1), message, about)

    @cached_property
    def strings(self) -> Sequence[tuple[str, ast.expr]]:
        """Every string except docstrings, with its node.

        An f-string and a sum of strings are one string each, with a `PLACEHOLDER` for each computed part.
        """
        documentable: list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = [
            *self.nodes(ast.Module),
            *self.nodes(ast.ClassDef),
            *self.nodes(ast.FunctionDef),
            *self.nodes(ast.AsyncFunctionDef),
        ]
        firsts = [node.body[0] for node in documentable if node.body]
        skipped = {id(first.value) for first in firsts if isinstance(first, ast.Expr)}
        skipped |= {id(value) for node in self.nodes(ast.JoinedStr) for value in node.values}
        sums = [node for node in self.nodes(ast.BinOp) if isinstance(node.op, ast.Add)]
        skipped |= {id(operand) for node in sums for operand in (node.left, node.right)}
        plain = [node for node in self.nodes(ast.Constant) if isinstance(node.value, str)]
        texts: list[ast.expr] = [*sums, *self.nodes(ast.JoinedStr), *plain]
        return [(_template(node), node) for node in texts if id(node) not in skipped]

    @cached_property
    def calls(self) -> Sequence[tuple[str, ast.Call]]:
        """Every call, with the last name of its function: `f` for f(), a.f() and a.b.f()."""
        return [(last_name(node.func), node) for node in self.nodes(ast.Call)]

    @property
    def classes(self) -> Sequence[ast.ClassDef]:
        """Every class definition."""
        return self.nodes(ast.ClassDef)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The full name of what each imported name refers to, also through `name = imported.name`."""
        names: dict[str, str] = {}
        for node in self.nodes(ast.Import):
            for alias in node.names:
                # `import a.b` binds `a`.
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or name] = name
        for statement in self.nodes(ast.ImportFrom):
            origin = self._origin(statement)
            names |= {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in statement.names}
        for assignment in self.nodes(ast.Assign):
            if full := _resolved(names, assignment.value):
                names |= {target.id: full for target in assignment.targets if isinstance(target, ast.Name)}
        return names

    def full_name(self, node: ast.AST) -> str:
        """Return the full name of what an expression refers to, or "" if it does not begin with an import."""
        return _resolved(self.names, node)

    def imports(self) -> Iterator[tuple[str, ast.stmt]]:
        """Yield every imported name in full: `a` and `a.b` for `from a import b`."""
        for node in self.nodes(ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        for statement in self.nodes(ast.ImportFrom):
            origin = self._origin(statement)
            yield origin, statement
            yield from ((f"{origin}.{alias.name}", statement) for alias in statement.names)

    def _origin(self, statement: ast.ImportFrom) -> str:
        parents = self.relative.parts[: -statement.level] if statement.level else ()
        return ".".join([*parents, *([statement.module] if statement.module else [])])


@dataclass(frozen=True)
class ModuleSource:
    """The source of a package: a module, a plugin, the application or the developer tools."""

    name: str
    folder: Path
    root: Path

    @cached_property
    def files(self) -> Sequence[SourceFile]:
        """Every Python file of the package."""
        return [SourceFile(path, self.root) for path in sorted(self.folder.rglob("*.py"))]

    @property
    def package(self) -> str:
        """The full name of the package."""
        return f"modules.{self.name}" if self.folder.parent.name == "modules" else self.folder.name

    def dotted_name(self, file: SourceFile) -> str:
        """Return the full name of a file of the package as a Python module."""
        return ".".join([self.package, *file.path.relative_to(self.folder).with_suffix("").parts])

    @cached_property
    def manifest(self) -> SourceFile | None:
        """The file module.py, if the module has one."""
        return next((file for file in self.files if file.path == self.folder / "module.py"), None)

    @cached_property
    def contracts(self) -> SourceFile | None:
        """The file contracts.py, if the module has one."""
        return next((file for file in self.files if file.path == self.folder / "contracts.py"), None)


@dataclass(frozen=True)
class Checkout:
    """A checkout of Conduit."""

    root: Path

    @property
    def is_plugin(self) -> bool:
        """Whether it is a plugin alone, without Conduit's source: plugin.py."""
        return False

    @cached_property
    def kernel(self) -> ModuleSource:
        """The kernel."""
        return ModuleSource(KERNEL, self.root / "modules" / KERNEL, self.root)

    @cached_property
    def modules(self) -> Sequence[ModuleSource]:
        """Every module except the kernel, in `modules/` and in `plugins/`."""
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
        """The composition root."""
        return ModuleSource("conduit_app", self.root / "conduit_app", self.root)

    @cached_property
    def devtools(self) -> ModuleSource:
        """The developer tools."""
        return ModuleSource("conduit_devtools", self.root / "conduit_devtools", self.root)

    @property
    def programs(self) -> Sequence[ModuleSource]:
        """The packages above the modules: the application and the developer tools."""
        return [self.application, self.devtools]

    @property
    def packages(self) -> Sequence[ModuleSource]:
        """Every checked package: the kernel, the modules and the programs above them."""
        return [self.kernel, *self.modules, *self.programs]


def module_of(name: str) -> str:
    """Return the module that a full name such as `modules.users.domain` belongs to, or "" for others."""
    first, _, rest = name.partition(".")
    return rest.partition(".")[0] if first == "modules" else first.removeprefix("conduit_")


def last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name, or "" for any other node."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def dotted_name(node: ast.AST) -> str:
    """Return a dotted name in full, or "" for any other node."""
    if isinstance(node, ast.Attribute):
        prefix = dotted_name(node.value)
        return f"{prefix}.{node.attr}" if prefix else ""
    return node.id if isinstance(node, ast.Name) else ""


def _resolved(names: Mapping[str, str], node: ast.AST) -> str:
    first, dot, rest = dotted_name(node).partition(".")
    return f"{names[first]}{dot}{rest}" if first in names else ""


def text_of(node: ast.AST | None) -> str | None:
    """Return the value of a string literal, or None for any other node."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _template(node: ast.expr) -> str:
    """Return the text of a string expression, with a `PLACEHOLDER` for each computed part."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_template, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _template(node.left) + _template(node.right)
    text = text_of(node)
    return PLACEHOLDER if text is None else text


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """Return the argument for a parameter, passed by position or by name."""
    if len(call.args) > position:
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
