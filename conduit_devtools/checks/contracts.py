"""The checks of contracts: events are JSON values, methods take collections of ids."""

import ast
import re
from collections.abc import Iterator, Sequence

from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.source import Checkout, ModuleSource, SourceFile, last_name, text_of

EVENT = "Event"
ID_PARAMETERS = re.compile(r"(\w+_)?(id|slug|username|key)")
JSON_TYPES = frozenset({"bool", "float", "int", "str", "tuple", "list", "dict"})
COLLECTIONS = frozenset({"dict", "list", "tuple"})
UNIONS = frozenset({"Optional", "Union", "Annotated"})


def check_contracts(checkout: Checkout) -> Iterator[Finding]:
    """Yield the findings on events, and on contract methods that take a single id."""
    for module in checkout.modules:
        events, published = event_names(module), _published(module)
        for file in module.files:
            yield from _event_findings(file, events, published)
        if module.contracts is not None:
            yield from _method_findings(module.contracts)


def event_names(module: ModuleSource) -> frozenset[str]:
    """Return the names of the classes of the module that are events."""
    aliases = {
        alias.asname or alias.name
        for file in module.files
        for node in file.nodes(ast.ImportFrom)
        for alias in node.names
        if alias.name == EVENT
    }
    return subclasses([definition for file in module.files for definition in file.classes], {EVENT, *aliases})


def _published(module: ModuleSource) -> frozenset[str]:
    """Return the names of the events that the manifest publishes."""
    lists = [
        keyword.value
        for name, call in (module.manifest.calls if module.manifest else ())
        for keyword in call.keywords
        if name == "Module" and keyword.arg == "publishes"
    ]
    return frozenset(last_name(node) for events in lists for node in ast.walk(events))


def subclasses(classes: Sequence[ast.ClassDef], roots: set[str]) -> frozenset[str]:
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
        fields = [
            field
            for field in event.body
            if isinstance(field, ast.AnnAssign) and _base(field.annotation) != "ClassVar"
        ]
        if fields and _base(fields[0].annotation) in COLLECTIONS:
            message = (
                f"{event.name}: the first field, {ast.unparse(fields[0])}, is the aggregate and a collection"
            )
            yield file.finding("event-shape", fields[0], message)
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


# Methods.


def _method_findings(file: SourceFile) -> Iterator[Finding]:
    ids, contracts = _id_types(file), subclasses(file.classes, {"Protocol", "ABC"})
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
    arguments = method.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    # An optional filter, such as `author_id: UserId | None = None`, is not the key of a row.
    required += [
        parameter
        for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    return [
        parameter.arg
        for parameter in required
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
