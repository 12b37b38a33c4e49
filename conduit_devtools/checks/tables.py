"""The checks that a module uses only its own tables: declarations, foreign keys, relationships, raw SQL."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout, ModuleSource, SourceFile, argument, last_name, text_of
from conduit_devtools.checks.sql_strings import SqlStrings

# Names in a relationship's annotation that are not the target class.
ANNOTATION_NAMES = frozenset({"DynamicMapped", "Mapped", "None", "Optional", "WriteOnlyMapped"})
# Alembic operations that name a new table, with the position of that argument.
TABLE_OPERATIONS = {"create_table": 0, "rename_table": 1}
# Functions that create tables from the database's schema.
REFLECTION = frozenset({"automap_base", "reflect", "reflect_table"})


def check_tables(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every table, foreign key, relationship and SQL text outside its module."""
    modules = (checkout.kernel, *checkout.modules)
    owners = {table: module.name for module in modules for table in _own_tables(module)}
    for module in modules:
        for file in module.files:
            yield from _prefixes(module, file)
            yield from _foreign_keys(module, file)
            yield from _relationships(module, file)
    for package in checkout.packages:
        for file in package.files:
            yield from _raw_sql(package, file, owners)
        yield from _sql_files(checkout, package, owners)


def declaration(module: ModuleSource, table: str, column: str) -> tuple[SourceFile, ast.AST] | None:
    """Return where the models declare a column, or else its table; None if they declare neither."""
    for file in module.files:
        for row in file.classes:
            if any(text_of(_value(node, "__tablename__")) == table for node in row.body):
                columns = (node for node in row.body if _value(node, column) is not None)
                return file, next(columns, row)
    return None


def computed_table_name(module: ModuleSource) -> tuple[SourceFile, ast.AST]:
    """Return where the module computes the name of a table, or else its manifest."""
    for file in module.files:
        for name, node in _declarations(file):
            if text_of(name) is None:
                return file, node
    return next((file, file.tree) for file in module.files if file.path.name == "module.py")


def literal_table_names(module: ModuleSource) -> Iterator[str]:
    """Yield the table names that are string literals in the module's models and revisions."""
    for file in module.files:
        yield from (table for name, _ in _declarations(file) if (table := text_of(name)))


def _own_tables(module: ModuleSource) -> Iterator[str]:
    # Alembic's own table, which the module's source does not declare.
    yield f"{module.name}_alembic_version"
    yield from (table for table in literal_table_names(module) if table.startswith(f"{module.name}_"))


def _declarations(file: SourceFile) -> Iterator[tuple[ast.AST | None, ast.AST]]:
    """Yield the name expression of each declared table, with the node that declares it."""
    yield from ((None, node) for node in file.nodes(ast.FunctionDef) if node.name == "__tablename__")
    for node in (*file.nodes(ast.Assign), *file.nodes(ast.AnnAssign)):
        if name := _value(node, "__tablename__"):
            yield name, node
    for function, call in file.calls:
        if function == "Table":
            yield argument(call, 0, "name"), call
        elif function in TABLE_OPERATIONS:
            yield argument(call, TABLE_OPERATIONS[function], "new_table_name"), call


def _value(node: ast.AST, name: str) -> ast.expr | None:
    """Return the value that a statement assigns to the name, if any."""
    if isinstance(node, ast.AnnAssign):
        return node.value or node.annotation if last_name(node.target) == name else None
    if isinstance(node, ast.Assign):
        return node.value if name in map(last_name, node.targets) else None
    return None


def _prefixes(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for name, node in _declarations(file):
        table = text_of(name)
        # A name that a revision computes is checked after the revision has run: runtime_checks.py.
        if table is None and last_name(getattr(node, "func", node)) not in TABLE_OPERATIONS:
            message = f"a table name of {module.name} is computed: write {module.name}_… as a literal"
            yield file.finding("table-prefix", node, message)
        elif table is not None and not table.startswith(f"{module.name}_"):
            message = f"table {table} of {module.name} is not named {module.name}_…"
            yield file.finding("table-prefix", node, message)


def _foreign_keys(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for call, target in _foreign_key_targets(file):
        text = text_of(target)
        # An attribute is a column of an own class: other modules' classes cannot be imported.
        if text is None and not isinstance(target, ast.Attribute):
            message = f"a foreign key of {module.name} is computed: write {module.name}_… as a literal"
            yield file.finding("foreign-key", call, message)
        elif text is not None and not text.startswith(f"{module.name}_"):
            message = f"{module.name} has a foreign key to {text}"
            yield file.finding("foreign-key", call, message, text.partition("_")[0])


def _foreign_key_targets(file: SourceFile) -> Iterator[tuple[ast.Call, ast.expr]]:
    for name, call in file.calls:
        targets: list[ast.expr | None] = []
        if name == "ForeignKey":
            targets = [argument(call, 0, "column")]
        elif name == "ForeignKeyConstraint":
            columns = argument(call, 1, "refcolumns")
            targets = [*columns.elts] if isinstance(columns, ast.List | ast.Tuple) else []
        elif name == "create_foreign_key":
            # create_foreign_key(name, source, referent, …); a batch operation has no source argument.
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
        for row in sorted(_target_classes(target) - own):
            message = f"{module.name} has a relationship to {row}, a class of another module"
            yield file.finding("relationship", call, message)


def _target_classes(target: ast.expr | None) -> set[str]:
    """Return the classes that a relationship's target or annotation names."""
    if target is None:
        return set()
    return set(re.findall(r"\b[A-Z]\w*", ast.unparse(target))) - ANNOTATION_NAMES


def _raw_sql(package: ModuleSource, file: SourceFile, owners: Mapping[str, str]) -> Iterator[Finding]:
    keys = {id(target) for _, target in _foreign_key_targets(file)}
    for function, call in file.calls:
        if function in REFLECTION or any(keyword.arg == "autoload_with" for keyword in call.keywords):
            yield file.finding("raw-sql", call, f"{package.name} reflects all tables of the database")
    strings = SqlStrings(file)
    for text, node in file.strings:
        if id(node) in keys:
            continue
        for table in _foreign_tables(package, text, owners):
            if strings.may_be_sql(text, node, table):
                message = f"{package.name} names {table}, a table of {owners[table]}"
                yield file.finding("raw-sql", node, message, owners[table])


def _sql_files(checkout: Checkout, package: ModuleSource, owners: Mapping[str, str]) -> Iterator[Finding]:
    for path in sorted(package.folder.rglob("*.sql")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for table in _foreign_tables(package, line.partition("--")[0], owners):
                message = f"{package.name} names {table}, a table of {owners[table]}"
                file = path.relative_to(checkout.root)
                yield Finding(RULES["raw-sql"], file, number, message, owners[table])


def _foreign_tables(package: ModuleSource, text: str, owners: Mapping[str, str]) -> Sequence[str]:
    words = dict.fromkeys(re.findall(r"\w+", text.lower()))
    return [word for word in words if owners.get(word, package.name) != package.name]
