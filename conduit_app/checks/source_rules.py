"""The rules that a module's own text shows: strings, calls and classes that no import reveals."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from conduit_app.checks.finding import RULES, Finding
from conduit_app.checks.source import KERNEL, Checkout, ModuleSource, SourceFile, last_name, text_of

INTERNALS = re.compile(r"\bmodules\.(\w+)\.(container|api|infrastructure|domain|contracts)\b")
DYNAMIC_IMPORTS = frozenset(
    {"import_module", "__import__", "run_module", "run_path", "find_spec", "entry_points"}
)
ID_PARAMETERS = re.compile(r"(\w+_)?(id|slug|username|key)")
JSON_TYPES = frozenset({"bool", "float", "int", "str", "tuple", "list", "dict", "None"})


def check_sources(checkout: Checkout) -> Iterator[Finding]:
    """Yield every breach that the text of the modules and of the application shows."""
    tables = {table: module.name for module in checkout.modules for table in _tables(module)}
    for module in checkout.modules:
        events = _event_names(module)
        for file in module.files:
            yield from _dynamic_imports(file)
            yield from _table_names(module, file)
            yield from _foreign_keys(module, file)
            yield from _relationships(module, file)
            yield from _raw_sql(module, file, tables)
            yield from _events(file, events)
        if module.contracts is not None:
            yield from _contracts(module.contracts)
    for file in (*checkout.kernel.files, *checkout.application.files):
        yield from _internals_as_text(file)
    yield from _owners(checkout)


def event_schemas(module: ModuleSource) -> Mapping[str, Mapping[str, str]]:
    """Return the fields of each event in the module's contracts, with their types as written."""
    if module.contracts is None:
        return {}
    events = _event_names(module)
    return {
        event.name: {
            field.target.id: ast.unparse(field.annotation)
            for field in event.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        }
        for event in module.contracts.classes()
        if event.name in events
    }


def _at(rule: str, file: SourceFile, node: ast.AST, message: str) -> Finding:
    return Finding(RULES[rule], file.relative, getattr(node, "lineno", 1), message)


# Imports that are text.


def _dynamic_imports(file: SourceFile) -> Iterator[Finding]:
    for name, call in file.calls():
        if name in DYNAMIC_IMPORTS:
            yield _at("dynamic-import", file, call, f"{ast.unparse(call)} imports by name")
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "sys.modules":
            yield _at("dynamic-import", file, node, f"{ast.unparse(node)} reaches modules by name")
    yield from _internals_as_text(file)


def _internals_as_text(file: SourceFile) -> Iterator[Finding]:
    own = file.relative.parts[1] if file.relative.parts[0] == "modules" else None
    for text, node in file.strings():
        for match in INTERNALS.finditer(text):
            if match[1] not in {own, KERNEL}:
                yield _at("dynamic-import", file, node, f'"{match[0]}" names internals of {match[1]}')


# Tables.


def _tables(module: ModuleSource) -> Iterator[str]:
    return (name for file in module.files for name, _ in _table_declarations(file))


def _table_declarations(file: SourceFile) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.Assign) or last_name(node.targets[0]) != "__tablename__":
            continue
        if table := text_of(node.value):
            yield table, node
    for name, call in file.calls():
        if name in {"Table", "create_table"} and call.args and (table := text_of(call.args[0])):
            yield table, call


def _table_names(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for name, node in _table_declarations(file):
        if not name.startswith(f"{module.name}_"):
            yield _at(
                "table-prefix", file, node, f"table {name} of {module.name} is not named {module.name}_…"
            )


def _foreign_keys(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    for call, target in _foreign_key_targets(file):
        text = text_of(target)
        if text and not text.startswith(f"{module.name}_"):
            yield _at("foreign-key", file, call, f"{module.name} has a foreign key to {text}")


def _foreign_key_targets(file: SourceFile) -> Iterator[tuple[ast.Call, ast.AST]]:
    for name, call in file.calls():
        if name == "ForeignKey" and call.args:
            yield call, call.args[0]
        if name == "ForeignKeyConstraint" and len(call.args) > 1 and isinstance(call.args[1], ast.List):
            yield from ((call, target) for target in call.args[1].elts)
        if name == "create_foreign_key" and len(call.args) > 2:  # noqa: PLR2004 - (name, source, referent, …)
            yield call, call.args[2]


def _relationships(module: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    own = {definition.name for other in module.files for definition in other.classes()}
    for name, call in file.calls():
        if name not in {"relationship", "backref"} or not call.args:
            continue
        target = text_of(call.args[0]) or last_name(call.args[0])
        if target and target.rpartition(".")[2] not in own:
            yield _at(
                "relationship", file, call, f"{module.name} has a relationship to {target}, not its own"
            )


def _raw_sql(module: ModuleSource, file: SourceFile, tables: Mapping[str, str]) -> Iterator[Finding]:
    keys = {id(target) for _, target in _foreign_key_targets(file)}
    for text, node in file.strings():
        if id(node) in keys:
            continue
        for table in re.findall(r"[a-z]\w*", text):
            if tables.get(table, module.name) != module.name:
                yield _at("raw-sql", file, node, f"{module.name} names {table}, a table of {tables[table]}")


# Events and contracts.


def _event_names(module: ModuleSource) -> frozenset[str]:
    """Return the names of the module's classes that are events, events of events too."""
    names = {"Event"}
    classes = [definition for file in module.files for definition in file.classes()]
    for _ in classes:
        names |= {found.name for found in classes if any(last_name(base) in names for base in found.bases)}
    return frozenset(names - {"Event"})


def _events(file: SourceFile, events: frozenset[str]) -> Iterator[Finding]:
    for event in file.classes():
        if event.name not in events:
            continue
        if file.path.name != "contracts.py":
            yield _at("event-shape", file, event, f"event {event.name} is not declared in contracts.py")
        if not _is_frozen_dataclass(event):
            yield _at("event-shape", file, event, f"event {event.name} is not a frozen dataclass")
        for field in event.body:
            if isinstance(field, ast.AnnAssign) and not _is_json(field.annotation):
                written = ast.unparse(field)
                yield _at("event-shape", file, field, f"{event.name}: {written} is no JSON value")


def _is_frozen_dataclass(definition: ast.ClassDef) -> bool:
    return any(
        isinstance(decorator, ast.Call)
        and last_name(decorator.func) == "dataclass"
        and any(
            keyword.arg == "frozen"
            and isinstance(keyword.value, ast.Constant)
            and keyword.value.value is True
            for keyword in decorator.keywords
        )
        for decorator in definition.decorator_list
    )


def _is_json(annotation: ast.expr) -> bool:
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    attributes = any(isinstance(node, ast.Attribute) for node in ast.walk(annotation))
    return names <= JSON_TYPES and not attributes


def _contracts(file: SourceFile) -> Iterator[Finding]:
    ids = _id_types(file)
    for contract in file.classes():
        if not any(last_name(base) == "Protocol" for base in contract.bases):
            continue
        for method in contract.body:
            if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                for parameter in _single_ids(method, ids):
                    message = f"{contract.name}.{method.name} takes one {parameter}"
                    yield _at("contract-takes-one", file, method, message)


def _id_types(file: SourceFile) -> frozenset[str]:
    imported = {
        alias.asname or alias.name
        for node in ast.walk(file.tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.endswith("Id")
    }
    declared = {
        last_name(node.targets[0])
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and last_name(node.value.func) == "NewType"
    }
    return frozenset(imported | declared)


def _single_ids(method: ast.FunctionDef | ast.AsyncFunctionDef, ids: frozenset[str]) -> Sequence[str]:
    parameters = [*method.args.posonlyargs, *method.args.args, *method.args.kwonlyargs]
    return [
        parameter.arg
        for parameter in parameters
        if parameter.annotation is not None
        and parameter.arg not in {"self", "viewer"}
        and (last_name(parameter.annotation) in ids or _is_scalar_id(parameter))
    ]


def _is_scalar_id(parameter: ast.arg) -> bool:
    scalar = parameter.annotation is not None and last_name(parameter.annotation) in {"int", "str"}
    return scalar and ID_PARAMETERS.fullmatch(parameter.arg) is not None


# Owners.


def _owners(checkout: Checkout) -> Iterator[Finding]:
    file = checkout.root / "CODEOWNERS"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    owned = {
        line.split()[0].strip("/") for line in lines if len(line.split()) > 1 and not line.startswith("#")
    }
    for module in (checkout.kernel, *checkout.modules):
        # A plugin is a whole distribution: its folder lies above the package.
        parts = module.folder.relative_to(checkout.root).parts[:2]
        if "/".join(parts) not in owned:
            message = f"{module.name} has no line in CODEOWNERS (/{'/'.join(parts)}/ @team)"
            yield Finding(RULES["codeowners"], file.relative_to(checkout.root), len(lines) or 1, message)
