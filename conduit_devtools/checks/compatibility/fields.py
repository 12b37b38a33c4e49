"""The comparison of fields: of dataclasses, events and settings."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import griffe

from conduit_devtools.checks.compatibility.types import Scope, Union, accepts

LOWER, UPPER = frozenset({"ge", "gt", "min_length"}), frozenset({"le", "lt", "max_length"})


class Use(Enum):
    """What consumers do with the fields."""

    READ = "consumers read them"
    CREATED = "consumers create the object, and may read it"
    STORED = "an event: consumers read them, also from deliveries that were stored before the change"
    CONFIGURED = "operators set them"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a class: its type, and whether and how it has a default."""

    name: str
    type: Union
    default: str | None
    line: int
    limits: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The limits in the call of pydantic's `Field`, as source code."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A difference in a field. A line of 0 stands for that of the class."""

    field: str
    what: str
    breaking: bool
    line: int = 0
    reordered: bool = False
    """Whether only its position is another one."""


def fields_of(definition: griffe.Class, scope: Scope) -> Mapping[str, Field]:
    """Return the annotated public fields of a class, by name, in their order."""
    return {
        name: Field(
            name,
            scope.union(member.annotation),
            _default(member.value),
            member.lineno or 0,
            _limits(member.value),
        )
        for name, member in definition.members.items()
        if isinstance(member, griffe.Attribute)
        and member.annotation is not None
        and "property" not in member.labels
        and not name.startswith("_")
        and "ClassVar" not in str(member.annotation)
    }


def _default(value: griffe.Expr | str | None) -> str | None:
    if isinstance(value, griffe.ExprCall) and value.canonical_path.rpartition(".")[2] in {"field", "Field"}:
        return next(
            (
                str(argument.value)
                for argument in value.arguments
                if isinstance(argument, griffe.ExprKeyword)
                and argument.name in {"default", "default_factory"}
            ),
            # pydantic's Field has the default as its first argument.
            next(
                (str(given) for given in value.arguments if not isinstance(given, griffe.ExprKeyword)), None
            ),
        )
    return None if value is None else str(value)


def _limits(value: griffe.Expr | str | None) -> Mapping[str, str]:
    arguments = value.arguments if isinstance(value, griffe.ExprCall) else ()
    return {
        argument.name: str(argument.value)
        for argument in arguments
        if isinstance(argument, griffe.ExprKeyword) and argument.name in LOWER | UPPER | {"pattern"}
    }


def compare_fields(
    old: Mapping[str, Field], new: Mapping[str, Field], use: Use, *, positional: bool
) -> Iterator[FieldChange]:
    """Yield the differences. `positional` is whether the order of the fields is that of arguments."""
    renamed = _renamed(list(old.values()), list(new.values()))
    for name, field in old.items():
        if name in renamed:
            yield FieldChange(name, f"renamed to {renamed[name]}", True, new[renamed[name]].line)
        elif name in new:
            yield from _compare(field, new[name], use)
        else:
            yield FieldChange(name, "removed", breaking=True)
    for name, field in new.items():
        if name not in old and name not in renamed.values():
            required = field.default is None and use is not Use.READ
            what = "added without a default" if required else "added"
            yield FieldChange(name, what, required, field.line)
    if positional or use is Use.STORED:
        yield from _order(list(old), [_former(name, renamed) for name in new], use, new)


def _former(name: str, renamed: Mapping[str, str]) -> str:
    return next((old for old, new in renamed.items() if new == name), name)


def _renamed(old: Sequence[Field], new: Sequence[Field]) -> Mapping[str, str]:
    """Return the new names of fields that have the same place and type under another name."""
    names = {field.name for field in old} & {field.name for field in new}
    return {
        before.name: after.name
        for before, after in zip(old, new, strict=False)
        if before.type == after.type and not names & {before.name, after.name}
    }


def _compare(old: Field, new: Field, use: Use) -> Iterator[FieldChange]:
    if old.type != new.type:
        compatible = (use is Use.READ and accepts(old.type, new.type)) or (
            use is Use.CONFIGURED and accepts(new.type, old.type)
        )
        what = "type changed" if not compatible else "type narrowed" if use is Use.READ else "type widened"
        yield FieldChange(new.name, what, not compatible, new.line)
    if use is Use.READ:
        return
    if use is Use.CONFIGURED:
        yield from _compare_limits(old, new)
    if (old.default is None) != (new.default is None):
        required = new.default is None
        what = "became required" if required else "became optional"
        yield FieldChange(new.name, what, required, new.line)
    elif use is Use.CREATED and old.default != new.default:
        yield FieldChange(new.name, "default changed", True, new.line)


def _compare_limits(old: Field, new: Field) -> Iterator[FieldChange]:
    for name in sorted(old.limits.keys() | new.limits.keys()):
        before, after = old.limits.get(name), new.limits.get(name)
        if before != after:
            narrower = after is not None and (before is None or _is_narrower(name, before, after))
            what = f"limit {name} {'removed' if after is None else f'changed to {after}'}"
            yield FieldChange(new.name, what, narrower, new.line)


def _is_narrower(name: str, before: str, after: str) -> bool:
    try:
        return float(after) > float(before) if name in LOWER else float(after) < float(before)
    except ValueError:
        # Not a number, such as a pattern or the name of a constant.
        return True


def _order(
    old: Sequence[str], new: Sequence[str], use: Use, fields: Mapping[str, Field]
) -> Iterator[FieldChange]:
    """Yield the first field that is not in its place."""
    remaining = [name for name in old if name in new]
    order = [name for name in new if name in old]
    if use is Use.STORED and old and new and old[0] != new[0]:
        first = next(iter(fields.values()))
        yield FieldChange(
            first.name, f"is first instead of {old[0]}, the ordering key", True, first.line, True
        )
    elif remaining != order:
        moved = next(name for name, before in zip(order, remaining, strict=True) if name != before)
        line = fields[moved].line if moved in fields else 0
        yield FieldChange(moved, "moved to another position", True, line, True)
    elif use is Use.CREATED and list(new[: len(old)]) != list(old) and remaining == list(old):
        moved = next(name for name, before in zip(new, old, strict=False) if name != before)
        yield FieldChange(moved, "added before fields that are passed by position", True, fields[moved].line)
