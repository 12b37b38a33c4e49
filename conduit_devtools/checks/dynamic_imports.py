"""Ways to another module's internals that are no import statement: names in text, and attributes."""

import ast
import re
from collections.abc import Iterator

from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.source import KERNEL, Checkout, ModuleSource, SourceFile, dotted_name

ROOMS = r"(?:fakes|module|container|api|infrastructure|domain|contracts)"
# Every room as text, since a text is only good for importing; `modules.{}.domain` is an f-string.
AS_TEXT = re.compile(rf"\bmodules\.(\w+|{{}})\.({ROOMS})\b")
# `import modules.users.contracts` binds `modules`, from which every room can be read.
AS_ATTRIBUTE = re.compile(rf"modules\.(\w+)\.(?!contracts$)({ROOMS})")
BY_NAME = frozenset(
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
BUILT_IN = frozenset({"__import__", "eval", "exec"})
FRONT_DOOR = "module"


def check_dynamic_imports(checkout: Checkout) -> Iterator[Finding]:
    """Yield every import by name, and every other module's internals that are named."""
    for part in checkout.parts:
        for file in part.files:
            # Discovery imports by name; that is what it is for.
            if part not in checkout.programs:
                yield from _imports_by_name(file)
            yield from _internals_as_text(checkout, part, file)
            yield from _internals_as_attributes(checkout, part, file)


def _imports_by_name(file: SourceFile) -> Iterator[Finding]:
    names = [node for node in file.nodes(ast.Name) if node.id in BY_NAME | BUILT_IN]
    attributes = [
        node
        for node in file.nodes(ast.Attribute)
        if node.attr in BY_NAME or (node.attr == "modules" and dotted_name(node) == "sys.modules")
    ]
    for node in (*names, *attributes):
        yield file.finding("dynamic-import", node, f"{ast.unparse(node)} reaches modules by name")
    for statement in file.nodes(ast.ImportFrom):
        # Under another name it would not be known where it is called.
        hidden = {alias.name for alias in statement.names if alias.asname or statement.module == "sys"}
        for name in sorted(hidden & (BY_NAME | {"modules"})):
            yield file.finding("dynamic-import", statement, f"{name} reaches modules by name")


def _internals_as_text(checkout: Checkout, part: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for text, node in file.strings:
        for match in AS_TEXT.finditer(text):
            allowed = part in checkout.programs and match[2] == FRONT_DOOR
            if match[1] not in {part.name, KERNEL} and not allowed:
                yield file.finding("dynamic-import", node, f'"{match[0]}" names internals of {match[1]}')


def _internals_as_attributes(checkout: Checkout, part: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    rules = {program.name: "manifest-only" for program in checkout.programs} | {
        checkout.kernel.name: "kernel"
    }
    rule = rules.get(part.name, "boundary")
    for node in file.nodes(ast.Attribute):
        match = AS_ATTRIBUTE.fullmatch(dotted_name(node))
        if match and match[1] not in {part.name, KERNEL}:
            yield file.finding(rule, node, f"{match[0]} is read off the package")
