"""The comparison of a contracts.py with the same file of the base."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import griffe

from conduit_devtools.checks.compatibility.change import Change, Verdict
from conduit_devtools.checks.compatibility.fields import Use, compare_fields, fields_of
from conduit_devtools.checks.compatibility.signatures import BREAKAGES, compare_functions
from conduit_devtools.checks.compatibility.types import Expression, Scope, accepts

VERSION = "CONTRACT_VERSION"
UPCASTERS = "upcasters"
NO_UPCASTER = "has no upcaster for this change of its fields"
EVENT = "modules.kernel.domain.events.Event"
PROTOCOLS = frozenset({"typing.Protocol", "abc.ABC"})
# How a class is declared, as far as its users can notice it, and what it means to them when it ends.
TRAITS = {
    "dataclass": "is no longer a dataclass",
    "hashable": "can no longer be hashed",
    "ordered": "can no longer be ordered",
    "runtime-checkable": "is no longer runtime-checkable",
    "positional": "takes keyword arguments only",
}


def read_contract(name: str, file: Path, text: str | None) -> griffe.Module:
    """Return the names that a contracts.py defines; none if there is no such file. Nothing is imported.

    Raises `SyntaxError`.
    """
    return griffe.visit(name, filepath=file, code=text or "")


def compare_contracts(
    old: griffe.Module, new: griffe.Module, file: Path, created: Collection[str] = ()
) -> Iterator[Change]:
    """Yield the changes of a contract. `created` are the classes of which consumers create objects."""
    for thing, what, verdict, line in _Comparison(old, new, frozenset(created)).differences():
        yield Change(thing, what, verdict, file, line or 1)


Difference = tuple[str, str, Verdict, int]


@dataclass(frozen=True)
class _Comparison:
    old: griffe.Module
    new: griffe.Module
    created: frozenset[str]

    @cached_property
    def scopes(self) -> tuple[Scope, Scope]:
        return Scope.of(self.old), Scope.of(self.new)

    @cached_property
    def breakages(self) -> Mapping[str, list[griffe.Breakage]]:
        """What griffe finds in parameters, by the full name of the function."""
        found = defaultdict(list)
        for breakage in griffe.find_breaking_changes(self.old, self.new):
            if breakage.kind in BREAKAGES:
                found[breakage.obj.path].append(breakage)
        return found

    @cached_property
    def passed(self) -> frozenset[str]:
        """The classes of which consumers create or implement objects, to pass them to the contract."""
        names = {name for name in self.created if name in self.old.members}
        parents: list[griffe.Module | griffe.Class] = [self.old, *_classes(self.old)]
        annotations = [
            parameter.annotation
            for parent in parents
            for function in _defined(parent).values()
            if isinstance(function, griffe.Function)
            for parameter in function.parameters
        ]
        found = {name for annotation in annotations for name in self._classes_in(annotation)}
        while found - names:
            names |= found
            found = {
                inner
                for name in names
                for member in self.old.members[name].members.values()
                if isinstance(member, griffe.Attribute)
                for inner in self._classes_in(member.annotation)
            }
        return frozenset(names)

    def _classes_in(self, annotation: Expression) -> Iterator[str]:
        if isinstance(annotation, griffe.Expr):
            for part in annotation.iterate():
                if isinstance(part, griffe.ExprName):
                    member = self.old.members.get(part.name)
                    if isinstance(member, griffe.Class):
                        yield part.name

    def differences(self) -> Iterator[Difference]:
        old, new = _defined(self.old), _defined(self.new)
        for name, before in old.items():
            if name not in new:
                what = "moved to another file" if name in self.new.members else "removed"
                yield name, what, Verdict.BREAKING, 0
            else:
                yield from self._compare(name, before, new[name])
        for name, after in new.items():
            if name not in old:
                yield name, "added", Verdict.ADDITIVE, after.lineno or 0

    def _compare(self, name: str, old: griffe.Object, new: griffe.Object) -> Iterator[Difference]:
        line = new.lineno or 0
        match old, new:
            case griffe.Class(), griffe.Class():
                yield from self._compare_classes(name, old, new)
            case griffe.Function(), griffe.Function():
                differences = compare_functions(old, new, self.scopes, self.breakages.get(new.path, ()))
                yield from ((name, what, verdict, line) for what, verdict in differences)
            case griffe.Attribute(), griffe.Attribute():
                yield from self._compare_attributes(name, old, new)
            case _ if old.kind is not new.kind:
                yield name, f"is now a {new.kind.value}", Verdict.BREAKING, line

    def _compare_attributes(
        self, name: str, old: griffe.Attribute, new: griffe.Attribute
    ) -> Iterator[Difference]:
        """Yield the differences of a constant, type alias, new type, property or attribute of a class."""
        before, after = (
            scope.union(member.annotation) for scope, member in zip(self.scopes, (old, new), strict=True)
        )
        if ("property" in old.labels) != ("property" in new.labels):
            yield name, "is no longer the same kind of attribute", Verdict.BREAKING, new.lineno or 0
        elif before != after and not (old.annotation is None or new.annotation is None):
            narrowed = accepts(before, after)
            what = f"type {'narrowed' if narrowed else 'changed'} to {new.annotation}"
            yield name, what, Verdict.ADDITIVE if narrowed else Verdict.BREAKING, new.lineno or 0
        if _value(old, self.scopes[0]) != _value(new, self.scopes[1]):
            yield name, f"value changed to {new.value}", Verdict.BREAKING, new.lineno or 0

    def _compare_classes(self, name: str, old: griffe.Class, new: griffe.Class) -> Iterator[Difference]:
        line = new.lineno or 0
        passed = name in self.passed
        old_traits, new_traits = _traits(old), _traits(new)
        for trait, what in TRAITS.items():
            if (
                trait in old_traits
                and trait not in new_traits
                and (trait != "positional" or "dataclass" in new_traits)
            ):
                yield name, what, Verdict.BREAKING, line
        bases = [[_base(base) for base in definition.bases] for definition in (old, new)]
        yield from (
            (name, f"no longer derived from {base}", Verdict.BREAKING, line)
            for base in bases[0]
            if base not in bases[1]
        )
        fields = fields_of(old, self.scopes[0]), fields_of(new, self.scopes[1])
        compared_elsewhere = {*fields[0], *fields[1]}
        use = Use.STORED if self._is_event(old) else Use.CREATED if passed else Use.READ
        positional = {"dataclass", "positional"} <= new_traits
        changes = list(compare_fields(*fields, use, positional=positional))
        for change in changes:
            verdict = Verdict.BREAKING if change.breaking else Verdict.ADDITIVE
            yield f"{name}.{change.field}", change.what, verdict, change.line or line
        if use is Use.STORED:
            compared_elsewhere.add(UPCASTERS)
            changed_payload = any(change.breaking and not change.reordered for change in changes)
            yield from _compare_upcasters(name, old, new, changed_payload=changed_payload)
        implemented = passed and bool(PROTOCOLS & {*bases[0]})
        yield from self._compare_members(name, old, new, compared_elsewhere, implemented)

    def _compare_members(
        self, name: str, old: griffe.Class, new: griffe.Class, others: Collection[str], implemented: bool
    ) -> Iterator[Difference]:
        """Yield the differences of other members than these: methods, properties, members of an enum."""
        before = {key: member for key, member in _defined(old).items() if key not in others}
        after = {key: member for key, member in _defined(new).items() if key not in others}
        for key, member in before.items():
            if key not in after:
                yield f"{name}.{key}", "removed", Verdict.BREAKING, new.lineno or 0
            else:
                for thing, what, verdict, line in self._compare(f"{name}.{key}", member, after[key]):
                    # Those who implement a Protocol must follow every change of it.
                    yield thing, what, Verdict.BREAKING if implemented else verdict, line
        for key, member in after.items():
            if key not in before:
                verdict = Verdict.BREAKING if implemented else Verdict.ADDITIVE
                yield f"{name}.{key}", "added", verdict, member.lineno or 0

    def _is_event(self, definition: griffe.Class) -> bool:
        for base in map(_base, definition.bases):
            parent = self.old.members.get(base.rpartition(".")[2])
            if base == EVENT or (isinstance(parent, griffe.Class) and self._is_event(parent)):
                return True
        return False


def _compare_upcasters(
    name: str, old: griffe.Class, new: griffe.Class, *, changed_payload: bool
) -> Iterator[Difference]:
    before, after = _upcasters(old), _upcasters(new)
    member = new.members.get(UPCASTERS, new)
    line = member.lineno or 0
    if after[: len(before)] != before:
        what = "differ in those of earlier versions, of which deliveries may be stored"
        yield f"{name}.{UPCASTERS}", what, Verdict.BREAKING, line
    elif len(after) > len(before):
        yield f"{name}.{UPCASTERS}", "added to", Verdict.ADDITIVE, line
    elif changed_payload:
        yield name, NO_UPCASTER, Verdict.BREAKING, new.lineno or 0


def _upcasters(event: griffe.Class) -> Sequence[str]:
    member = event.members.get(UPCASTERS)
    value = member.value if isinstance(member, griffe.Attribute) else None
    return [str(element) for element in getattr(value, "elements", ())]


def _classes(module: griffe.Module) -> Iterator[griffe.Class]:
    return (member for member in module.members.values() if isinstance(member, griffe.Class))


def _defined(parent: griffe.Module | griffe.Class) -> Mapping[str, griffe.Object]:
    """Return what is defined there, under a name that is neither private nor imported."""
    return {
        name: member
        for name, member in parent.members.items()
        if isinstance(member, griffe.Object)
        and name not in {VERSION, "__post_init__"}
        and (not name.startswith("_") or (parent.is_class and name.startswith("__") and name.endswith("__")))
    }


def _base(base: Expression) -> str:
    if isinstance(base, griffe.ExprSubscript):
        return _base(base.left)
    return base.canonical_path if isinstance(base, griffe.Expr) else str(base)


def _value(attribute: griffe.Attribute, scope: Scope) -> object:
    if str(attribute.value) in {"auto()", "enum.auto()"}:
        # The value of such a member is its position.
        return list(attribute.parent.members).index(attribute.name) if attribute.parent else None
    return scope.union(attribute.value)


def _traits(definition: griffe.Class) -> frozenset[str]:
    traits = (
        {"dataclass", "hashable", "positional"}
        if "typing.NamedTuple" in map(_base, definition.bases)
        else set()
    )
    for decorator in definition.decorators:
        options = {
            argument.name
            for argument in getattr(decorator.value, "arguments", ())
            if isinstance(argument, griffe.ExprKeyword) and str(argument.value) == "True"
        }
        match decorator.callable_path.rpartition(".")[2]:
            case "runtime_checkable":
                traits.add("runtime-checkable")
            case "view_class":
                traits |= {"dataclass", "hashable", "positional"}
            case "dataclass":
                traits.add("dataclass")
                traits |= {"hashable"} if options & {"frozen", "unsafe_hash"} else set()
                traits |= {"ordered"} if "order" in options else set()
                traits |= {"positional"} if "kw_only" not in options else set()
    return frozenset(traits)
