"""That a module's SQL names its own tables only: declarations, keys, relationships, and SQL as text."""

import ast
import re
from collections.abc import Iterator, Mapping

from conduit_app.checks.finding import Finding
from conduit_app.checks.source import Checkout, ModuleSource, SourceFile, argument, last_name, text_of

# What a relationship's annotation says beside the class that it leads to.
CONTAINERS = frozenset({"DynamicMapped", "Mapped", "None", "Optional", "WriteOnlyMapped"})


def check_tables(checkout: Checkout) -> Iterator[Finding]:
    """Yield every table, key, relationship and piece of SQL that crosses a module's border."""
    modules = (checkout.kernel, *checkout.modules)
    owners = {table: module.name for module in modules for table in _own_tables(module)}
    for module in modules:
        for file in module.files:
            yield from _prefixes(module, file)
            yield from _foreign_keys(module, file)
            yield from _relationships(module, file)
    for part in checkout.parts:
        for file in part.files:
            yield from _raw_sql(part, file, owners)


def _own_tables(module: ModuleSource) -> Iterator[str]:
    # Alembic's own table; no text of the module names it.
    yield f"{module.name}_alembic_version"
    for file in module.files:
        yield from (name for name, _ in _declarations(file) if name.startswith(f"{module.name}_"))


def _declarations(file: SourceFile) -> Iterator[tuple[str, ast.AST]]:
    for node in file.nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if last_name(target) == "__tablename__" and (table := text_of(node.value)):
                yield table, node
    for name, call in file.calls():
        if name in {"Table", "create_table"} and (table := text_of(argument(call, 0, "name"))):
            yield table, call
        if name == "rename_table" and (table := text_of(argument(call, 1, "new_table_name"))):
            yield table, call


def _prefixes(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for name, node in _declarations(file):
        if not name.startswith(f"{module.name}_"):
            message = f"table {name} of {module.name} is not named {module.name}_…"
            yield file.finding("table-prefix", node, message)


def _foreign_keys(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for call, target in _foreign_key_targets(file):
        text = text_of(target)
        if text and not text.startswith(f"{module.name}_"):
            yield file.finding("foreign-key", call, f"{module.name} has a foreign key to {text}")


def _foreign_key_targets(file: SourceFile) -> Iterator[tuple[ast.Call, ast.expr]]:
    for name, call in file.calls():
        targets: list[ast.expr | None] = []
        if name == "ForeignKey":
            targets = [argument(call, 0, "column")]
        elif name == "ForeignKeyConstraint":
            columns = argument(call, 1, "refcolumns")
            targets = [*columns.elts] if isinstance(columns, ast.List | ast.Tuple) else []
        elif name == "create_foreign_key":
            # create_foreign_key(name, source, referent, …), and without the source on a batch.
            targets = [argument(call, 2, "referent_table"), argument(call, 1, "referent_table")]
            targets = [next((target for target in targets if text_of(target)), None)]
        yield from ((call, target) for target in targets if target is not None)


def _relationships(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    own = {definition.name for other in module.files for definition in other.classes()}
    annotations = {id(node.value): node.annotation for node in file.nodes if isinstance(node, ast.AnnAssign)}
    for name, call in file.calls():
        if name not in {"relationship", "backref"}:
            continue
        target = argument(call, 0, "argument") or annotations.get(id(call))
        for row in sorted(_rows(target) - own):
            message = f"{module.name} has a relationship to {row}, not its own"
            yield file.finding("relationship", call, message)


def _rows(target: ast.expr | None) -> set[str]:
    """Return the classes that the target of a relationship, or its annotation, names."""
    if target is None:
        return set()
    return set(re.findall(r"\b[A-Z]\w*", ast.unparse(target))) - CONTAINERS


def _raw_sql(part: ModuleSource, file: SourceFile, owners: Mapping[str, str]) -> Iterator[Finding]:
    keys = {id(target) for _, target in _foreign_key_targets(file)}
    for text, node in file.strings():
        if id(node) in keys:
            continue
        for table in dict.fromkeys(re.findall(r"\w+", text.lower())):
            if owners.get(table, part.name) != part.name:
                message = f"{part.name} names {table}, a table of {owners[table]}"
                yield file.finding("raw-sql", node, message)
