"""The checks of what contracts are made of: immutable, typed values, and contracts that somebody needs."""

import ast
import re
from collections.abc import Iterator, Sequence

from conduit_devtools.checks.contracts import event_names
from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.source import Checkout, ModuleSource, SourceFile, last_name, text_of

UNTYPED = frozenset({"Any", "object"})
MUTABLE = frozenset(
    {
        *("bytearray", "dict", "list", "set", "Dict", "List", "Set", "ChainMap", "Counter", "Deque", "deque"),
        *("DefaultDict", "defaultdict", "MutableMapping", "MutableSequence", "MutableSet", "OrderedDict"),
    }
)
ID = re.compile(r"(\w+_)?ids?")
DATACLASS = "dataclasses.dataclass"


def check_contract_types(checkout: Checkout) -> Iterator[Finding]:
    """Yield the findings on the types in contracts, and on offered contracts that no module needs."""
    for module in checkout.modules:
        if module.contracts is not None:
            events = event_names(module)
            for definition in module.contracts.classes:
                yield from _class(module.contracts, definition, is_event=definition.name in events)
            yield from _aliases(module.contracts)
    needed = {name for module in checkout.modules for name, _ in manifest_contracts(module, "needs")}
    for module in checkout.modules:
        for name, node in manifest_contracts(module, "offers"):
            if name not in needed and module.manifest is not None:
                contract = name.rpartition(".")[2]
                message = f"no module or plugin of this checkout needs {contract} of {module.name}"
                yield module.manifest.finding("unneeded-contract", node, message)


def manifest_contracts(module: ModuleSource, argument: str) -> Sequence[tuple[str, ast.expr]]:
    """Return the full names of the contracts in `needs` or `offers` of the manifest, with their nodes."""
    if module.manifest is None:
        return ()
    values = manifest_dictionaries(module, argument)
    nodes = [node for value in values for node in (value.values if argument == "needs" else value.keys)]
    return [(module.manifest.full_name(node), node) for node in nodes if node is not None]


def manifest_dictionaries(module: ModuleSource, argument: str) -> Sequence[ast.Dict]:
    """Return the dictionaries that the manifest passes as this argument."""
    return [
        keyword.value
        for function, call in (module.manifest.calls if module.manifest else ())
        for keyword in call.keywords
        if function == "Module" and keyword.arg == argument and isinstance(keyword.value, ast.Dict)
    ]


def _class(file: SourceFile, definition: ast.ClassDef, *, is_event: bool) -> Iterator[Finding]:
    # event-shape reports events that are not frozen.
    if not is_event and (problem := _mutability(file, definition)):
        yield file.finding("contract-types", definition, f"{definition.name} {problem}")
    for node in definition.body:
        if isinstance(node, ast.AnnAssign):
            yield from _annotation(file, f"{definition.name}.{last_name(node.target)}", node.annotation)
            if not is_event:
                yield from _plain_id(file, definition.name, last_name(node.target), node.annotation)
        # `__eq__` takes any object.
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__"):
            place = f"{definition.name}.{node.name}"
            for parameter in parameters(node):
                if parameter.annotation is not None:
                    yield from _annotation(file, place, parameter.annotation)
                    yield from _plain_id(file, place, parameter.arg, parameter.annotation)
            if node.returns is not None:
                yield from _annotation(file, place, node.returns)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Sequence[ast.arg]:
    """Return all parameters of a function, in order; those that collect the rest are the last ones."""
    arguments = function.args
    rest = [parameter for parameter in (arguments.vararg, arguments.kwarg) if parameter is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest]


def _mutability(file: SourceFile, definition: ast.ClassDef) -> str:
    """Return why instances of a class can be changed, or an empty string."""
    for decorator in definition.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        if file.full_name(call.func if call else decorator) == DATACLASS:
            frozen = [keyword.value for keyword in (call.keywords if call else ()) if keyword.arg == "frozen"]
            values = [node.value for node in frozen if isinstance(node, ast.Constant)]
            return "" if values == [True] else "is a dataclass that is not frozen"
    if "TypedDict" in map(last_name, definition.bases):
        return "is a TypedDict, which is mutable"
    has_fields = any(isinstance(node, ast.AnnAssign) for node in definition.body)
    has_constructor = any(getattr(node, "name", "") == "__init__" for node in definition.body)
    if not definition.bases and not definition.decorator_list and (has_fields or has_constructor):
        return "is neither a Protocol nor a frozen dataclass"
    return ""


def _aliases(file: SourceFile) -> Iterator[Finding]:
    """Yield the findings on type aliases, such as `Json = dict[str, Any]`."""
    for node in file.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.Name | ast.BinOp):
            yield from _annotation(file, last_name(node.targets[0]), node.value)


def _annotation(file: SourceFile, place: str, annotation: ast.expr) -> Iterator[Finding]:
    names = annotation_names(file, annotation)
    for name in sorted(names & UNTYPED):
        yield file.finding("contract-types", annotation, f"{place} has the type {name}")
    for name in sorted(names & MUTABLE):
        yield file.finding("contract-types", annotation, f"{place} has the mutable type {name}")


def _plain_id(file: SourceFile, place: str, name: str, annotation: ast.expr) -> Iterator[Finding]:
    if ID.fullmatch(name) and "int" in annotation_names(file, annotation):
        message = f"{place} has {name} as a plain int: any other id can be passed"
        yield file.finding("contract-types", annotation, message)


def annotation_names(file: SourceFile, annotation: ast.expr) -> frozenset[str]:
    """Return the last names of all types in an annotation, as they are called where they are defined."""
    names: set[str] = set()
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name | ast.Attribute):
            names.add((file.full_name(node) or last_name(node)).rpartition(".")[2])
        elif text := text_of(node):
            names |= annotation_names(file, ast.parse(text, mode="eval").body)
    return frozenset(names)
