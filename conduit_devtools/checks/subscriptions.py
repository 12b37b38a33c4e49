"""The runtime checks of subscriptions: the handlers exist, fit their events, and do not handle for ever."""

import ast
import graphlib
import inspect
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from conduit_app.composition import Composition
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.source import Checkout, ModuleSource, last_name
from modules.kernel.domain.events import DeliveryMode, Event
from modules.kernel.module import Module, Subscription

PUBLISH = "publish"
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Match, ast.ExceptHandler)


@dataclass(frozen=True, slots=True)
class _Handled:
    """A subscription with its handler, and the place of both."""

    module: ModuleSource
    subscription: Subscription
    handler: Any
    line: int


def check_subscriptions(checkout: Checkout, composition: Composition) -> Iterator[Finding]:
    """Yield the findings on the subscriptions of the assembled modules. No handler is called."""
    sources = {module.name: module for module in checkout.modules}
    handled: list[_Handled] = []
    for module in composition.modules:
        source, container = sources[module.name], composition.containers[module.name]
        for subscription, line in zip(module.subscriptions, _lines(source, module), strict=True):
            try:
                handler = subscription.handler(container)
            except Exception as error:  # the manifest's function can raise anything
                message = f"the handler of {subscription.event.__name__} in {module.name} cannot be resolved"
                yield _finding(source, "subscription-handler", line, f"{message}: {_one_line(error)}")
                continue
            if problem := _misfit(handler, subscription.event):
                message = f"the handler of {subscription.event.__name__} in {module.name} {problem}"
                yield _finding(source, "subscription-handler", line, message)
            handled.append(_Handled(source, subscription, handler, line))
    yield from _cycles(handled)


def _lines(source: ModuleSource, module: Module) -> Sequence[int]:
    """Return the line of each subscription in the manifest, or 1 where it is computed."""
    calls = source.manifest.calls if source.manifest else ()
    lines = sorted(call.lineno for name, call in calls if name == "Subscription")
    return lines if len(lines) == len(module.subscriptions) else [1] * len(module.subscriptions)


def _misfit(handler: Any, event: type[Event]) -> str:
    """Return why an object cannot handle the event, or an empty string."""
    if not callable(handler):
        return f"is not a function but {handler!r:.80}"
    try:
        inspect.signature(handler).bind(None)
    except TypeError as error:
        return f"cannot be called with the event alone: {error}"
    parameter = next(iter(inspect.signature(handler).parameters))
    accepted = get_type_hints(handler).get(parameter, object)
    if isinstance(accepted, type) and not issubclass(event, accepted):
        return f"takes {accepted.__name__}"
    return ""


# Cycles.


def _cycles(handled: Sequence[_Handled]) -> Iterator[Finding]:
    """Yield a finding for every event whose handlers are certain to publish it again, maybe through others.

    In the publisher's transaction, any handler that may publish counts: the transaction would grow with the
    data. After the commit, only one that always publishes: one that stops works in batches.
    """
    events = {handled_.subscription.event.__name__ for handled_ in handled}
    edges: dict[str, set[str]] = {}
    for one in handled:
        always = one.subscription.delivery is not DeliveryMode.IN_TRANSACTION
        published = set(_published(one, events, unconditional=always))
        edges.setdefault(one.subscription.event.__name__, set()).update(published)
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        cycle = list(reversed(error.args[1]))
        first = next(one for one in handled if one.subscription.event.__name__ == cycle[0])
        message = f"handlers publish what leads to them again: {' → '.join(cycle)}"
        yield _finding(first.module, "event-cycle", first.line, message)


def _published(one: _Handled, events: Collection[str], *, unconditional: bool) -> Iterator[str]:
    """Yield the events that a handler publishes itself or through methods of its class."""
    owner = type(getattr(one.handler, "__self__", None)).__name__
    methods = {
        node.name: node
        for file in one.module.files
        for definition in file.classes
        if definition.name == owner
        for node in definition.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    pending, seen = [getattr(one.handler, "__name__", "")], set[str]()
    while pending:
        method = methods.get(name := pending.pop())
        if method is None or name in seen:
            continue
        seen.add(name)
        nodes = list(_certain(method) if unconditional else ast.walk(method))
        calls = [node for node in nodes if isinstance(node, ast.Call)]
        if any(last_name(call.func) == PUBLISH for call in calls):
            yield from (last_name(call.func) for call in calls if last_name(call.func) in events)
        pending += [
            node.attr for node in nodes if isinstance(node, ast.Attribute) and last_name(node.value) == "self"
        ]


def _certain(method: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a method that run at every call: those before its first branch, loop or return."""
    pending: list[ast.AST] = list(reversed(method.body))
    while pending:
        node = pending.pop()
        if isinstance(node, BRANCHES):
            return
        if isinstance(node, ast.Return):
            yield from ast.walk(node)
            return
        yield node
        pending += reversed(list(ast.iter_child_nodes(node)))


def _finding(source: ModuleSource, rule: str, line: int, message: str) -> Finding:
    file = (source.folder / "module.py").relative_to(source.root)
    return Finding(RULES[rule], file, line, message)


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
