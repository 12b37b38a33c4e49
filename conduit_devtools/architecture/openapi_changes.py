"""The differences between two OpenAPI documents, and whether they can break a client."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
JSON_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
LOWER_LIMITS = frozenset({"exclusiveMinimum", "minItems", "minLength", "minProperties", "minimum"})
UPPER_LIMITS = frozenset({"exclusiveMaximum", "maxItems", "maxLength", "maxProperties", "maximum"})
CHOICES = frozenset({"const", "enum"})
STRUCTURE = frozenset(
    {"$ref", "additionalProperties", "allOf", "anyOf", "items", "oneOf", "properties", "required", "type"}
)
# Ignored, because they are for people. (Defaults are compared separately.)
PROSE = frozenset({"default", "deprecated", "description", "example", "examples", "summary", "title"})


@dataclass(frozen=True, slots=True)
class Change:
    """A difference in a path: where, what, and whether it can break an existing client."""

    path: str
    where: str
    what: str
    breaking: bool


def changes(old: Json, new: Json) -> Iterator[Change]:
    """Yield the differences that are visible to clients, in the order of the old document."""
    for path, item in old["paths"].items():
        if path not in new["paths"]:
            yield Change(path, path, "path removed", breaking=True)
            continue
        for method in METHODS:
            where = f"{method.upper()} {path}"
            before, after = item.get(method), new["paths"][path].get(method)
            if before is not None and after is None:
                yield Change(path, where, "operation removed", breaking=True)
            elif before is None and after is not None:
                yield Change(path, where, "operation added", breaking=False)
            elif before is not None:
                yield from _Comparison(old, new, path).operations(where, before, after)
    for path in new["paths"]:
        if path not in old["paths"]:
            yield Change(path, path, "path added", breaking=False)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Compares two operations.

    Requests of existing clients must stay valid, and responses must not surprise them: `sent` schemas may
    only be widened, the others only narrowed.
    """

    old: Json
    new: Json
    path: str

    def operations(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        if old.get("operationId") != new.get("operationId"):
            # Generated clients name their methods after the id.
            yield self._change(where, "operation id changed", breaking=True)
        yield from self._security(where, old, new)
        yield from self._parameters(where, old, new)
        yield from self._bodies(where, old.get("requestBody"), new.get("requestBody"))
        yield from self._responses(where, old.get("responses", {}), new.get("responses", {}))

    def _change(self, where: str, what: str, *, breaking: bool) -> Change:
        return Change(self.path, where, what, breaking)

    def _security(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        # A list of alternatives. An empty alternative, or an empty list, allows anonymous requests.
        before = old.get("security", self.old.get("security")) or [{}]
        after = new.get("security", self.new.get("security")) or [{}]
        if before != after:
            rejected = [
                option for option in before if not any(other.keys() <= option.keys() for other in after)
            ]
            yield self._change(where, "authentication changed", breaking=bool(rejected))

    def _parameters(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        before = {(item["in"], item["name"]): item for item in old.get("parameters", ())}
        after = {(item["in"], item["name"]): item for item in new.get("parameters", ())}
        for key, parameter in before.items():
            name = f"{where} parameter {key[1]}"
            if key not in after:
                yield self._change(name, "removed", breaking=True)
                continue
            yield from self._requirement(name, parameter.get("required"), after[key].get("required"))
            yield from self._schemas(
                name, parameter.get("schema", {}), after[key].get("schema", {}), sent=True
            )
        for key, parameter in after.items():
            if key not in before:
                required = bool(parameter.get("required"))
                yield self._change(f"{where} parameter {key[1]}", "added", breaking=required)

    def _bodies(self, where: str, old: Json | None, new: Json | None) -> Iterator[Change]:
        name = f"{where} body"
        if old is None and new is not None:
            yield self._change(name, "added", breaking=bool(new.get("required")))
        elif old is not None and new is None:
            yield self._change(name, "removed", breaking=True)
        elif old is not None and new is not None:
            yield from self._requirement(name, old.get("required"), new.get("required"))
            yield from self._contents(name, old, new, sent=True)

    def _responses(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        for status, response in old.items():
            name = f"{where} response {status}"
            if status in new:
                yield from self._contents(name, response, new[status], sent=False)
            else:
                yield self._change(name, "status removed", breaking=True)
        for status in new:
            if status not in old:
                yield self._change(f"{where} response {status}", "status added", breaking=False)

    def _contents(self, where: str, old: Json, new: Json, *, sent: bool) -> Iterator[Change]:
        before, after = old.get("content", {}), new.get("content", {})
        for media_type, media in before.items():
            if media_type in after:
                yield from self._schemas(
                    where, media.get("schema", {}), after[media_type].get("schema", {}), sent=sent
                )
            else:
                yield self._change(where, f"{media_type} removed", breaking=True)
        for media_type in after:
            if media_type not in before:
                yield self._change(where, f"{media_type} added", breaking=False)

    def _requirement(self, where: str, old: object, new: object) -> Iterator[Change]:
        if bool(old) != bool(new):
            what = "became required" if new else "became optional"
            yield self._change(where, what, breaking=bool(new))

    def _schemas(
        self, where: str, old: Json, new: Json, *, sent: bool, seen: frozenset[tuple[int, int]] = frozenset()
    ) -> Iterator[Change]:
        old, new = _resolved(self.old, old), _resolved(self.new, new)
        pair = (id(old), id(new))
        if pair in seen:  # a recursive schema
            return
        before, after = _types(self.old, old), _types(self.new, new)
        removed, added = before - after, after - before
        if removed or added:
            what = "type changed" if removed and added else "type narrowed" if removed else "type widened"
            yield self._change(where, what, breaking=bool(removed if sent else added))
        old_alternatives, new_alternatives = _alternatives(self.old, old), _alternatives(self.new, new)
        for types in (types for types in old_alternatives if types in new_alternatives):
            olds, news = old_alternatives[types], new_alternatives[types]
            if len(olds) == len(news) == 1:
                yield from self._details(where, olds[0], news[0], sent=sent, seen=seen | {pair})
            elif olds != news:
                yield self._change(where, "alternatives changed", breaking=True)

    def _details(
        self, where: str, old: Json, new: Json, *, sent: bool, seen: frozenset[tuple[int, int]]
    ) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, field in before.items():
            if name in after:
                yield from self._schemas(f"{where}.{name}", field, after[name], sent=sent, seen=seen)
        inner = [(where, *pair) for pair in zip(old.get("allOf", ()), new.get("allOf", ()), strict=False)]
        if "items" in old or "items" in new:
            inner.append((f"{where}[]", old.get("items", {}), new.get("items", {})))
        additional = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if all(isinstance(schema, Mapping) for schema in additional):
            inner.append((f"{where}.*", *additional))
        for name, old_schema, new_schema in inner:
            yield from self._schemas(name, old_schema, new_schema, sent=sent, seen=seen)
        yield from self._fields(where, old, new, sent=sent)
        for what, narrower, wider in _limits(old, new):
            yield self._change(where, what, breaking=narrower if sent else wider)
        if sent and "default" in old and old["default"] != new.get("default"):
            yield self._change(where, "default changed", breaking=True)

    def _fields(self, where: str, old: Json, new: Json, *, sent: bool) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            if name not in after:
                yield self._change(f"{where}.{name}", "field removed", breaking=True)
            elif (name in was_required) != (name in is_required):
                required = name in is_required
                what = "field became required" if required else "field became optional"
                yield self._change(f"{where}.{name}", what, breaking=required == sent)
        for name in after:
            if name not in before:
                yield self._change(f"{where}.{name}", "field added", breaking=sent and name in is_required)


def _limits(old: Json, new: Json) -> Iterator[tuple[str, bool, bool]]:
    """Yield each changed constraint: its message, whether it got narrower, whether it got wider."""
    old_choices, new_choices = _choices(old), _choices(new)
    if old_choices != new_choices:
        narrower = new_choices is not None and (old_choices is None or not old_choices <= new_choices)
        wider = old_choices is not None and (new_choices is None or not new_choices <= old_choices)
        yield "values changed", narrower, wider
    for keyword in sorted((old.keys() | new.keys()) - STRUCTURE - PROSE - CHOICES):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        narrower, wider = after is not None, before is not None
        if before is not None and after is not None and keyword in LOWER_LIMITS | UPPER_LIMITS:
            narrower = (after > before) == (keyword in LOWER_LIMITS)
            wider = not narrower
        yield f"{keyword} changed", narrower, wider
    openness = [_openness(old), _openness(new)]
    if openness[0] != openness[1]:
        yield "other fields changed", openness[1] < openness[0], openness[1] > openness[0]
    if len(old.get("allOf", ())) != len(new.get("allOf", ())):
        yield "allOf changed", True, True


def _choices(schema: Json) -> frozenset[str] | None:
    """Return the representations of the values that a schema enumerates, or None if it does not."""
    if "const" in schema:
        return frozenset({repr(schema["const"])})
    return frozenset(map(repr, schema["enum"])) if "enum" in schema else None


def _openness(schema: Json) -> int:
    additional = schema.get("additionalProperties", True)
    return (
        1
        if isinstance(additional, Mapping) and additional
        else 2
        if additional is True or additional == {}
        else 0
    )


def _resolved(document: Json, schema: Json) -> Json:
    if "$ref" not in schema:
        return schema
    target: Any = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return _resolved(document, target)


def _options(document: Json, schema: Json) -> Sequence[Json]:
    """Return the options of a union, or the schema itself."""
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if not options:
        return [schema]
    resolved = [_resolved(document, option) for option in options]
    return [inner for option in resolved for inner in _options(document, option)]


def _alternatives(document: Json, schema: Json) -> Mapping[frozenset[str], Sequence[Json]]:
    """Return the options, grouped by the JSON types that they allow."""
    alternatives: dict[frozenset[str], list[Json]] = {}
    for option in _options(document, schema):
        alternatives.setdefault(_own_types(option), []).append(option)
    return alternatives


def _types(document: Json, schema: Json) -> frozenset[str]:
    return frozenset().union(*map(_own_types, _options(document, schema)))


def _own_types(schema: Json) -> frozenset[str]:
    """Return the JSON types that a schema without alternatives allows. "number" includes "integer"."""
    declared = schema.get("type", JSON_TYPES)
    types = frozenset({declared}) if isinstance(declared, str) else frozenset(declared)
    return types | {"integer"} if "number" in types else types
