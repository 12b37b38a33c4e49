"""The checks of contracts: events are JSON values with stable fields, methods take collections of ids."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout, ModuleSource, SourceFile, last_name, text_of

EVENT = "Event"
SNAPSHOT = "events.json"
ID_PARAMETERS = re.compile(r"(\w+_)?(id|slug|username|key)")
JSON_TYPES = frozenset({"bool", "float", "int", "str", "tuple", "list", "dict"})
UNIONS = frozenset({"Optional", "Union", "Annotated"})


def check_contracts(checkout: Checkout) -> Iterator[Finding]:
    """Yield the findings on events, and on contract methods that take a single id."""
    for module in checkout.modules:
        events, published = _event_names(module), _published(module)
        for file in module.files:
            yield from _event_findings(file, events, published)
        if module.contracts is not None:
            yield from _method_findings(module.contracts)
        yield from _event_schemas(checkout, module)


def event_schemas(module: ModuleSource) -> Mapping[str, Mapping[str, str]]:
    """Return the fields of each event in the module's contracts, with their annotations as source code."""
    return {
        name: {
            field.target.id: ast.unparse(field.annotation)
            for field in event.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        }
        for name, event in _declared_events(module).items()
    }


def _declared_events(module: ModuleSource) -> Mapping[str, ast.ClassDef]:
    events = _event_names(module)
    classes = module.contracts.classes if module.contracts is not None else ()
    return {event.name: event for event in classes if event.name in events}


def _event_names(module: ModuleSource) -> frozenset[str]:
    aliases = {
        alias.asname or alias.name
        for file in module.files
        for node in file.nodes(ast.ImportFrom)
        for alias in node.names
        if alias.name == EVENT
    }
    return _subclasses(
        [definition for file in module.files for definition in file.classes], {EVENT, *aliases}
    )


def _published(module: ModuleSource) -> frozenset[str]:
    """Return the names of the events that the manifest publishes."""
    manifest = next((file for file in module.files if file.path == module.folder / "module.py"), None)
    lists = [
        keyword.value
        for name, call in (manifest.calls if manifest else ())
        for keyword in call.keywords
        if name == "Module" and keyword.arg == "publishes"
    ]
    return frozenset(last_name(node) for events in lists for node in ast.walk(events))


def _subclasses(classes: Sequence[ast.ClassDef], roots: set[str]) -> frozenset[str]:
    """Return the names of the direct and indirect subclasses of the roots."""
    names = set(roots)
    for _ in classes:
        names |= {definition.name for definition in classes if names & {*map(_base, definition.bases)}}
    return frozenset(names - roots)


def _base(node: ast.expr) -> str:
    return last_name(node.value if isinstance(node, ast.Subscript) else node)


# Events.


def _event_findings(file: SourceFile, events: frozenset[str], published: frozenset[str]) -> Iterator[Finding]:
    for event in file.classes:
        if event.name not in events:
            continue
        if file.path.name != "contracts.py":
            yield file.finding("event-shape", event, f"event {event.name} is not declared in contracts.py")
        if not _is_frozen_dataclass(event):
            yield file.finding("event-shape", event, f"event {event.name} is not a frozen dataclass")
        if event.name not in published:
            message = f"event {event.name} is not in `publishes` of the manifest"
            yield file.finding("event-shape", event, message)
        for field in event.body:
            if isinstance(field, ast.AnnAssign) and not _is_json(field.annotation):
                message = f"{event.name}: {ast.unparse(field)} is not a JSON value"
                yield file.finding("event-shape", field, message)


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
    names = set(re.findall(r"[A-Za-z_]\w*", ast.unparse(annotation)))
    return names <= JSON_TYPES | {"None"}


def _event_schemas(checkout: Checkout, module: ModuleSource) -> Iterator[Finding]:
    """Yield a finding for every event whose fields differ from the committed snapshot."""
    file = module.folder / SNAPSHOT
    text = file.read_text(encoding="utf-8") if file.exists() else "{}"
    try:
        snapshot = json.loads(text)
    except json.JSONDecodeError as error:
        path = file.relative_to(checkout.root)
        yield Finding(RULES["event-schema"], path, error.lineno, f"{path} is not JSON: {error.msg}")
        return
    schemas, declared = event_schemas(module), _declared_events(module)
    for event in sorted(snapshot.keys() | schemas.keys()):
        old, new = snapshot.get(event), schemas.get(event)
        if old == new:
            continue
        message = f"event {event} of {module.name} is {_fields(new)}, but {_fields(old)} in {SNAPSHOT}"
        if event in declared and module.contracts is not None:
            yield module.contracts.finding("event-schema", declared[event], message)
        else:
            yield Finding(RULES["event-schema"], file.relative_to(checkout.root), 1, message)


def _fields(schema: Mapping[str, str] | None) -> str:
    if schema is None:
        return "absent"
    return f"({', '.join(f'{name}: {kind}' for name, kind in schema.items())})"


# Methods.


def _method_findings(file: SourceFile) -> Iterator[Finding]:
    ids, contracts = _id_types(file), _subclasses(file.classes, {"Protocol", "ABC"})
    for contract in file.classes:
        for method in contract.body:
            if contract.name in contracts and isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                for parameter in _single_ids(method, ids):
                    message = f"{contract.name}.{method.name} takes a single {parameter}"
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
        and _is_single_id(parameter, _alternatives(parameter.annotation), ids)
    ]


def _is_single_id(parameter: ast.arg, types: frozenset[str], ids: frozenset[str]) -> bool:
    named_as_id = ID_PARAMETERS.fullmatch(parameter.arg) is not None
    return bool(types & ids) or (named_as_id and bool(types & {"int", "str"}))


def _alternatives(annotation: ast.expr) -> frozenset[str]:
    """Return the outer types of an annotation: `A` for `A | None`, `Collection` for `Collection[A]`."""
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
