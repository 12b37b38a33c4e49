"""The check for access to another module's internals without an import statement."""

import ast
import re
from collections.abc import Iterator

from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.source import KERNEL, Checkout, ModuleSource, SourceFile, dotted_name

LAYERS = r"(?:fakes|module|container|demo|api|infrastructure|domain|contracts)"
# Contracts too: a module name in a string is only useful for a dynamic import.
# `modules.{}.domain` is an f-string.
IN_STRING = re.compile(rf"\bmodules\.(\w+|{{}})\.({LAYERS})\b")
# `import modules.users.contracts` binds `modules`, and with it the attributes of every layer.
AS_ATTRIBUTE = re.compile(rf"modules\.(\w+)\.(?!contracts$)({LAYERS})")
IMPORT_FUNCTIONS = frozenset(
    {
        "__globals__",
        "__import__",
        "__loader__",
        "__subclasses__",
        "entry_points",
        "find_loader",
        "find_spec",
        "import_module",
        "iter_modules",
        "resolve_name",
        "run_module",
        "run_path",
        "SourceFileLoader",
        "spec_from_file_location",
        "walk_packages",
    }
)
BUILT_IN_FUNCTIONS = frozenset({"__import__", "eval", "exec"})
MANIFEST = "module"


def check_dynamic_imports(checkout: Checkout) -> Iterator[Finding]:
    """Yield every import by name, and every use of another module's internals by name."""
    for package in checkout.packages:
        for file in package.files:
            # Discovery imports modules by name.
            if package not in checkout.programs:
                yield from _imports_by_name(file)
            yield from _internals_in_strings(checkout, package, file)
            yield from _internals_as_attributes(checkout, package, file)


def _imports_by_name(file: SourceFile) -> Iterator[Finding]:
    names = [node for node in file.nodes(ast.Name) if node.id in IMPORT_FUNCTIONS | BUILT_IN_FUNCTIONS]
    attributes = [
        node
        for node in file.nodes(ast.Attribute)
        if node.attr in IMPORT_FUNCTIONS or (node.attr == "modules" and dotted_name(node) == "sys.modules")
    ]
    for node in (*names, *attributes):
        yield file.finding("dynamic-import", node, f"{ast.unparse(node)} imports modules by name")
    for statement in file.nodes(ast.ImportFrom):
        # An alias would not be recognized where it is called.
        aliased = {alias.name for alias in statement.names if alias.asname or statement.module == "sys"}
        for name in sorted(aliased & (IMPORT_FUNCTIONS | {"modules"})):
            yield file.finding("dynamic-import", statement, f"{name} imports modules by name")


def _internals_in_strings(checkout: Checkout, package: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for text, node in file.strings:
        for match in IN_STRING.finditer(text):
            allowed = package in checkout.programs and match[2] == MANIFEST
            if match[1] not in {package.name, KERNEL} and not allowed:
                message = f'"{match[0]}" names internals of {match[1]}'
                yield file.finding("dynamic-import", node, message, match[1])


def _internals_as_attributes(
    checkout: Checkout, package: ModuleSource, file: SourceFile
) -> Iterator[Finding]:
    rules = {program.name: "manifest-only" for program in checkout.programs} | {
        checkout.kernel.name: "kernel"
    }
    rule = rules.get(package.name, "boundary")
    for node in file.nodes(ast.Attribute):
        match = AS_ATTRIBUTE.fullmatch(dotted_name(node))
        if match and match[1] not in {package.name, KERNEL}:
            message = f"{match[0]} is an attribute of an imported package"
            yield file.finding(rule, node, message, match[1])
