"""The comparison of functions and methods, from the point of view of their callers."""

from collections.abc import Iterable, Iterator, Sequence

import griffe
from griffe import Breakage, BreakageKind, ParameterKind

from conduit_devtools.checks.compatibility.change import Verdict
from conduit_devtools.checks.compatibility.types import Scope, accepts

# Callers cannot pass these by name.
NAMELESS = frozenset({ParameterKind.positional_only, ParameterKind.var_positional, ParameterKind.var_keyword})
BREAKAGES = {
    BreakageKind.PARAMETER_MOVED: "parameter {} moved to another position",
    BreakageKind.PARAMETER_REMOVED: "parameter {} removed",
    BreakageKind.PARAMETER_CHANGED_KIND: "parameter {} cannot be passed as before",
    BreakageKind.PARAMETER_CHANGED_DEFAULT: "default of parameter {} changed",
    BreakageKind.PARAMETER_CHANGED_REQUIRED: "parameter {} became required",
    BreakageKind.PARAMETER_ADDED_REQUIRED: "required parameter {} added",
}

Difference = tuple[str, Verdict]
"""What changed, and what that means for callers."""


def compare_functions(
    old: griffe.Function, new: griffe.Function, scopes: tuple[Scope, Scope], breakages: Iterable[Breakage]
) -> Iterator[Difference]:
    """Yield the differences. `breakages` are those that griffe found in the parameters."""
    if ("async" in old.labels) != ("async" in new.labels):
        yield "is now async" if "async" in new.labels else "is no longer async", Verdict.BREAKING
    if _binding(old) != _binding(new):
        yield f"is now a {_binding(new)}", Verdict.BREAKING
        return
    renamed = list(_renamed(list(old.parameters), list(new.parameters)))
    for before, after in renamed:
        if before.kind not in NAMELESS:
            yield f"parameter {before.name} renamed to {after.name}", Verdict.BREAKING
    handled = {parameter.name for pair in renamed for parameter in pair}
    yield from _broken_parameters(breakages, handled, scopes)
    for before, after in [*renamed, *_same_names(old, new)]:
        yield from _compare(before, after, scopes)
    for parameter in new.parameters:
        if parameter.name not in old.parameters and not parameter.required and parameter.name not in handled:
            yield f"optional parameter {parameter.name} added", Verdict.ADDITIVE
    yield from _compare_returns(old, new, scopes)


def _binding(function: griffe.Function) -> str:
    return next((label for label in ("classmethod", "staticmethod") if label in function.labels), "method")


def _renamed(
    old: Sequence[griffe.Parameter], new: Sequence[griffe.Parameter]
) -> Iterator[tuple[griffe.Parameter, griffe.Parameter]]:
    """Yield the parameters that have the same place and kind under another name."""
    if len(old) == len(new):
        olds, news = {parameter.name for parameter in old}, {parameter.name for parameter in new}
        for before, after in zip(old, new, strict=True):
            if before.name not in news and after.name not in olds and before.kind is after.kind:
                yield before, after


def _same_names(
    old: griffe.Function, new: griffe.Function
) -> Iterator[tuple[griffe.Parameter, griffe.Parameter]]:
    for parameter in old.parameters:
        if parameter.name in new.parameters:
            yield parameter, new.parameters[parameter.name]


def _broken_parameters(
    breakages: Iterable[Breakage], handled: set[str], scopes: tuple[Scope, Scope]
) -> Iterator[Difference]:
    old, new = scopes
    for breakage in breakages:
        parameter = breakage.new_value or breakage.old_value
        same_default = breakage.kind is BreakageKind.PARAMETER_CHANGED_DEFAULT and old.union(
            breakage.old_value.default
        ) == new.union(breakage.new_value.default)
        if parameter.name not in handled and not same_default:
            yield BREAKAGES[breakage.kind].format(parameter.name), Verdict.BREAKING


def _compare(
    old: griffe.Parameter, new: griffe.Parameter, scopes: tuple[Scope, Scope]
) -> Iterator[Difference]:
    """Yield the differences that griffe does not compare."""
    before, after = (
        scope.union(parameter.annotation) for scope, parameter in zip(scopes, (old, new), strict=True)
    )
    if before != after:
        widened = accepts(after, before)
        verdict = Verdict.ADDITIVE if widened else Verdict.BREAKING
        what = "widened" if widened else "changed"
        yield f"type of parameter {new.name} {what} to {new.annotation}", verdict
    if old.required and not new.required:
        yield f"parameter {new.name} became optional", Verdict.ADDITIVE
    elif old.kind is not new.kind and new.kind is ParameterKind.positional_or_keyword:
        yield f"parameter {new.name} can be passed by position and by name", Verdict.ADDITIVE


def _compare_returns(
    old: griffe.Function, new: griffe.Function, scopes: tuple[Scope, Scope]
) -> Iterator[Difference]:
    before, after = scopes[0].union(old.returns), scopes[1].union(new.returns)
    if before != after:
        narrowed = accepts(before, after)
        what = "narrowed" if narrowed else "changed"
        yield f"return type {what} to {new.returns}", Verdict.ADDITIVE if narrowed else Verdict.BREAKING
