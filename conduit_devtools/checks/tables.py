"""That a module's SQL names its own tables only: declarations, keys, relationships, and SQL as text."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout, ModuleSource, SourceFile, argument, last_name, text_of

# What a relationship's annotation says beside the class that it leads to.
CONTAINERS = frozenset({"DynamicMapped", "Mapped", "None", "Optional", "WriteOnlyMapped"})
# Where the operations of a revision take the name of a table that there will be.
IN_REVISIONS = {"create_table": 0, "rename_table": 1}
# What makes tables of whatever the database has.
REFLECTION = frozenset({"automap_base", "reflect", "reflect_table"})


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
        yield from _sql_files(checkout, part, owners)


def declaration(module: ModuleSource, table: str, column: str) -> tuple[SourceFile, ast.AST] | None:
    """Return where the module's models declare a column of a table, or else that table, if they do."""
    for file in module.files:
        for row in file.classes:
            if any(text_of(_value(node, "__tablename__")) == table for node in row.body):
                found = (node for node in row.body if _value(node, column) is not None)
                return file, next(found, row)
    return None


def named_by_expression(module: ModuleSource) -> tuple[SourceFile, ast.AST]:
    """Return where the module names a table by an expression, or else its manifest."""
    for file in module.files:
        for name, node in _declarations(file):
            if text_of(name) is None:
                return file, node
    return next((file, file.tree) for file in module.files if file.path.name == "module.py")


def plainly_named(module: ModuleSource) -> Iterator[str]:
    """Yield the tables that the module names as plain text, in models and in revisions."""
    for file in module.files:
        yield from (table for name, _ in _declarations(file) if (table := text_of(name)))


def _own_tables(module: ModuleSource) -> Iterator[str]:
    # Alembic's own table; no text of the module names it.
    yield f"{module.name}_alembic_version"
    yield from (table for table in plainly_named(module) if table.startswith(f"{module.name}_"))


def _declarations(file: SourceFile) -> Iterator[tuple[ast.AST | None, ast.AST]]:
    """Yield what each table is named with, and where."""
    yield from ((None, node) for node in file.nodes(ast.FunctionDef) if node.name == "__tablename__")
    for node in (*file.nodes(ast.Assign), *file.nodes(ast.AnnAssign)):
        if name := _value(node, "__tablename__"):
            yield name, node
    for called, call in file.calls:
        if called == "Table":
            yield argument(call, 0, "name"), call
        elif called in IN_REVISIONS:
            yield argument(call, IN_REVISIONS[called], "new_table_name"), call


def _value(node: ast.AST, name: str) -> ast.expr | None:
    """Return what this assigns to a name, if it does."""
    if isinstance(node, ast.AnnAssign):
        return node.value or node.annotation if last_name(node.target) == name else None
    if isinstance(node, ast.Assign):
        return node.value if name in map(last_name, node.targets) else None
    return None


def _prefixes(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for name, node in _declarations(file):
        table = text_of(name)
        # What a revision names by an expression shows when it is run.
        if table is None and last_name(getattr(node, "func", node)) not in IN_REVISIONS:
            message = f"a table of {module.name} is named by an expression: write {module.name}_… as it is"
            yield file.finding("table-prefix", node, message)
        elif table is not None and not table.startswith(f"{module.name}_"):
            message = f"table {table} of {module.name} is not named {module.name}_…"
            yield file.finding("table-prefix", node, message)


def _foreign_keys(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for call, target in _foreign_key_targets(file):
        text = text_of(target)
        # A column of a class is of one's own: whose else could be imported?
        if text is None and not isinstance(target, ast.Attribute):
            message = f"a foreign key of {module.name} is an expression: write {module.name}_… as it is"
            yield file.finding("foreign-key", call, message)
        elif text is not None and not text.startswith(f"{module.name}_"):
            yield file.finding("foreign-key", call, f"{module.name} has a foreign key to {text}")


def _foreign_key_targets(file: SourceFile) -> Iterator[tuple[ast.Call, ast.expr]]:
    for name, call in file.calls:
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
    own = {definition.name for other in module.files for definition in other.classes}
    annotations = {id(node.value): node.annotation for node in file.nodes(ast.AnnAssign)}
    for name, call in file.calls:
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
    for called, call in file.calls:
        if called in REFLECTION or any(keyword.arg == "autoload_with" for keyword in call.keywords):
            yield file.finding("raw-sql", call, f"{part.name} reflects tables, whosever they are")
    for text, node in file.strings:
        if id(node) in keys:
            continue
        for table in _others_tables(part, text, owners):
            yield file.finding("raw-sql", node, f"{part.name} names {table}, a table of {owners[table]}")


def _sql_files(checkout: Checkout, part: ModuleSource, owners: Mapping[str, str]) -> Iterator[Finding]:
    for path in sorted(part.folder.rglob("*.sql")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for table in _others_tables(part, line, owners):
                message = f"{part.name} names {table}, a table of {owners[table]}"
                yield Finding(RULES["raw-sql"], path.relative_to(checkout.root), number, message)


def _others_tables(part: ModuleSource, text: str, owners: Mapping[str, str]) -> Sequence[str]:
    words = dict.fromkeys(re.findall(r"\w+", text.lower()))
    return [word for word in words if owners.get(word, part.name) != part.name]
