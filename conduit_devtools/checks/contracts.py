"""What contracts promise: events that are facts and stay as they are, methods that take sets of ids."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout, ModuleSource, SourceFile, last_name, text_of

EVENT = "Event"
EVENTS = "events.json"
ID_PARAMETERS = re.compile(r"(\w+_)?(id|slug|username|key)")
JSON_TYPES = frozenset({"bool", "float", "int", "str", "tuple", "list", "dict"})
UNIONS = frozenset({"Optional", "Union", "Annotated"})


def check_contracts(checkout: Checkout) -> Iterator[Finding]:
    """Yield every event that is no lasting fact, and every contract that asks to be called in a loop."""
    for module in checkout.modules:
        events, published = _event_names(module), _published(module)
        for file in module.files:
            yield from _events(file, events, published)
        if module.contracts is not None:
            yield from _methods(module.contracts)
        yield from _schemas(checkout, module)


def event_schemas(module: ModuleSource) -> Mapping[str, Mapping[str, str]]:
    """Return the fields of each event in the module's contracts, with their types as written."""
    return {
        name: {
            field.target.id: ast.unparse(field.annotation)
            for field in event.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        }
        for name, event in _declared(module).items()
    }


def _declared(module: ModuleSource) -> Mapping[str, ast.ClassDef]:
    events = _event_names(module)
    classes = module.contracts.classes if module.contracts is not None else ()
    return {event.name: event for event in classes if event.name in events}


def _event_names(module: ModuleSource) -> frozenset[str]:
    renamed = {
        alias.asname or alias.name
        for file in module.files
        for node in file.nodes(ast.ImportFrom)
        for alias in node.names
        if alias.name == EVENT
    }
    return _descendants([found for file in module.files for found in file.classes], {EVENT, *renamed})


def _published(module: ModuleSource) -> frozenset[str]:
    """Return the names of the events that the module's manifest lists."""
    manifest = next((file for file in module.files if file.path == module.folder / "module.py"), None)
    lists = [
        keyword.value
        for name, call in (manifest.calls if manifest else ())
        for keyword in call.keywords
        if name == "Module" and keyword.arg == "publishes"
    ]
    return frozenset(last_name(node) for events in lists for node in ast.walk(events))


def _descendants(classes: Sequence[ast.ClassDef], roots: set[str]) -> frozenset[str]:
    """Return the names of the classes that inherit from one of these, by way of others too."""
    names = set(roots)
    for _ in classes:
        names |= {found.name for found in classes if any(_base(base) in names for base in found.bases)}
    return frozenset(names - roots)


def _base(node: ast.expr) -> str:
    return last_name(node.value if isinstance(node, ast.Subscript) else node)


# Events.


def _events(file: SourceFile, events: frozenset[str], published: frozenset[str]) -> Iterator[Finding]:
    for event in file.classes:
        if event.name not in events:
            continue
        if file.path.name != "contracts.py":
            yield file.finding("event-shape", event, f"event {event.name} is not declared in contracts.py")
        if not _is_frozen_dataclass(event):
            yield file.finding("event-shape", event, f"event {event.name} is not a frozen dataclass")
        if event.name not in published:
            message = f"event {event.name} is not among what the manifest publishes"
            yield file.finding("event-shape", event, message)
        for field in event.body:
            if isinstance(field, ast.AnnAssign) and not _is_json(field.annotation):
                written = ast.unparse(field)
                yield file.finding("event-shape", field, f"{event.name}: {written} is no JSON value")


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
    words = set(re.findall(r"[A-Za-z_]\w*", ast.unparse(annotation)))
    return words <= JSON_TYPES | {"None"}


def _schemas(checkout: Checkout, module: ModuleSource) -> Iterator[Finding]:
    """Yield every event whose fields differ from the committed snapshot."""
    file = module.folder / EVENTS
    snapshot = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    schemas, declared = event_schemas(module), _declared(module)
    for event in sorted(snapshot.keys() | schemas.keys()):
        before, now = snapshot.get(event), schemas.get(event)
        if before == now:
            continue
        message = f"event {event} of {module.name} is {_fields(now)}, and {_fields(before)} in {EVENTS}"
        if event in declared and module.contracts is not None:
            yield module.contracts.finding("event-schema", declared[event], message)
        else:
            yield Finding(RULES["event-schema"], file.relative_to(checkout.root), 1, message)


def _fields(schema: Mapping[str, str] | None) -> str:
    if schema is None:
        return "absent"
    return f"({', '.join(f'{name}: {kind}' for name, kind in schema.items())})"


# Methods.


def _methods(file: SourceFile) -> Iterator[Finding]:
    ids, contracts = _id_types(file), _descendants(file.classes, {"Protocol", "ABC"})
    for contract in file.classes:
        for method in contract.body:
            if contract.name in contracts and isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                for parameter in _single_ids(method, ids):
                    message = f"{contract.name}.{method.name} takes one {parameter}"
                    yield file.finding("contract-takes-collections", method, message)


def _id_types(file: SourceFile) -> frozenset[str]:
    imported = {
        alias.asname or alias.name
        for node in file.nodes(ast.ImportFrom)
        for alias in node.names
        if alias.name.endswith("Id")
    }
    declared = {
        last_name(node.targets[0])
        for node in file.nodes(ast.Assign)
        if isinstance(node.value, ast.Call) and last_name(node.value.func) == "NewType"
    }
    return frozenset(imported | declared)


def _single_ids(method: ast.FunctionDef | ast.AsyncFunctionDef, ids: frozenset[str]) -> Sequence[str]:
    parameters = [*method.args.posonlyargs, *method.args.args, *method.args.kwonlyargs]
    return [
        parameter.arg
        for parameter in parameters
        if parameter.annotation is not None
        and parameter.arg not in {"self", "viewer"}
        and _is_one(parameter, _alternatives(parameter.annotation), ids)
    ]


def _is_one(parameter: ast.arg, types: frozenset[str], ids: frozenset[str]) -> bool:
    named_like_one = ID_PARAMETERS.fullmatch(parameter.arg) is not None
    return bool(types & ids) or (named_like_one and bool(types & {"int", "str"}))


def _alternatives(annotation: ast.expr) -> frozenset[str]:
    """Return the types that a value may have itself: of `A | None` A, of `Collection[A]` Collection."""
    if isinstance(annotation, ast.BinOp):
        return _alternatives(annotation.left) | _alternatives(annotation.right)
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) in UNIONS:
        inner = annotation.slice
        return frozenset().union(*map(_alternatives, inner.elts if isinstance(inner, ast.Tuple) else [inner]))
    if isinstance(annotation, ast.Subscript):
        return frozenset({last_name(annotation.value)})
    if text := text_of(annotation):
        return _alternatives(ast.parse(text, mode="eval").body)
    return frozenset({last_name(annotation)})
