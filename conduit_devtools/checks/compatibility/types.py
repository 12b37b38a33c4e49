"""Types in annotations: a normal form, and whether one accepts the values of another."""

import builtins
import collections.abc
import typing
from collections.abc import Mapping
from dataclasses import dataclass

import griffe

INVARIANT = (
    list,
    dict,
    set,
    collections.abc.MutableMapping,
    collections.abc.MutableSequence,
    collections.abc.MutableSet,
)
"""Containers that a caller may write to: their arguments must be equal."""

Expression = griffe.Expr | str | None


@dataclass(frozen=True, slots=True)
class Type:
    """A type that is no union: its full name and its arguments, each a union."""

    name: str
    arguments: tuple["Union", ...] = ()


Union = frozenset[Type]
"""The alternatives of a type: one, unless it is a union."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The type aliases of a module, by full name. They are replaced by their meanings."""

    aliases: Mapping[str, Expression]

    @classmethod
    def of(cls, module: griffe.Module) -> "Scope":
        """Return the scope of a module: its names with values that are no calls, which make new types."""
        return cls(
            {
                member.path: member.value
                for member in module.members.values()
                if isinstance(member, griffe.Attribute | griffe.TypeAlias)
                and isinstance(member.value, griffe.Expr | str)
                and not isinstance(member.value, griffe.ExprCall)
            }
        )

    def union(self, expression: Expression) -> Union:
        """Return the normal form of a type, or of another expression.

        The same for `Optional[A]`, `A | None` and `Union[None, A]`, for an imported name and its alias, for
        `typing.Mapping` and `collections.abc.Mapping`, and for a type alias of the module and its meaning.
        """
        match expression:
            case griffe.ExprBinOp(left=left, operator="|", right=right):
                return self.union(left) | self.union(right)
            case griffe.ExprSubscript(left=left, slice=arguments):
                return self._subscript(_full_name(left), _elements(arguments))
            case griffe.ExprName() | griffe.ExprAttribute() if expression.canonical_path in self.aliases:
                return self._meaning(expression.canonical_path)
            case griffe.ExprList() | griffe.ExprTuple():
                return self._single("", *_elements(expression))
            case _:
                return frozenset({Type(_full_name(expression))})

    def _subscript(self, name: str, arguments: tuple[Expression, ...]) -> Union:
        match name.removeprefix("typing."):
            case "Optional":
                return self.union(arguments[0]) | {Type("None")}
            case "Union":
                return frozenset().union(*map(self.union, arguments))
            case "Annotated":
                return self.union(arguments[0])
            case "Literal":
                return frozenset(Type(f"Literal {argument}") for argument in arguments)
        return self._single(name, *arguments)

    def _meaning(self, alias: str) -> Union:
        # Without itself: an alias may be recursive.
        others = {name: value for name, value in self.aliases.items() if name != alias}
        return Scope(others).union(self.aliases[alias])

    def _single(self, name: str, *arguments: Expression) -> Union:
        return frozenset({Type(name, tuple(self.union(argument) for argument in arguments))})


def _elements(expression: Expression) -> tuple[Expression, ...]:
    if isinstance(expression, griffe.ExprTuple | griffe.ExprList):
        return tuple(expression.elements)
    return (expression,)


def _full_name(expression: Expression) -> str:
    if not isinstance(expression, griffe.ExprName | griffe.ExprAttribute):
        return str(expression)
    path = expression.canonical_path
    # typing's aliases of classes: typing.List is list, typing.Mapping is collections.abc.Mapping.
    origin = getattr(getattr(typing, path.removeprefix("typing."), None), "__origin__", None)
    if path.startswith("typing.") and isinstance(origin, type):
        path = f"{origin.__module__}.{origin.__qualname__}"
    return path.removeprefix("builtins.")


def accepts(wide: Union, narrow: Union) -> bool:
    """Return whether every value of the second type is one of the first, as far as their names show."""
    return all(any(_accepts(outer, inner) for outer in wide) for inner in narrow)


def _accepts(wide: Type, narrow: Type) -> bool:
    if wide == narrow or wide.name in {"object", "typing.Any"}:
        return True
    outer, inner = _class(wide.name), _class(narrow.name)
    if outer is None or inner is None or not issubclass(inner, outer):
        return False
    if issubclass(outer, INVARIANT):
        return wide.arguments == narrow.arguments
    return len(wide.arguments) == len(narrow.arguments) and all(
        map(accepts, wide.arguments, narrow.arguments)
    )


def _class(name: str) -> type | None:
    """Return the built-in class or abstract collection of this name, if it is one."""
    found = getattr(builtins, name, None) or getattr(
        collections.abc, name.removeprefix("collections.abc."), None
    )
    return found if isinstance(found, type) else None
