"""What changed between two OpenAPI documents, and whether a client would notice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# What documents say to people; a program does not notice.
PROSE = frozenset({"title", "description", "examples", "example", "default", "summary"})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where, what, and whether it can break a client that worked before."""

    where: str
    what: str
    breaking: bool


def changes(old: Json, new: Json) -> Iterator[Change]:
    """Yield every difference that a client could meet, in the order of the old document."""
    for path, old_item in old["paths"].items():
        new_item = new["paths"].get(path)
        if new_item is None:
            yield Change(path, "path removed", breaking=True)
            continue
        for method in METHODS:
            where = f"{method.upper()} {path}"
            if method in old_item and method not in new_item:
                yield Change(where, "operation removed", breaking=True)
            elif method in new_item and method not in old_item:
                yield Change(where, "operation added", breaking=False)
            elif method in old_item:
                yield from _Comparison(old, new).operations(where, old_item[method], new_item[method])
    for path in new["paths"].keys() - old["paths"].keys():
        yield Change(path, "path added", breaking=False)


@dataclass(frozen=True, slots=True)
class _Comparison:
    old: Json
    new: Json

    def operations(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        if old.get("operationId") != new.get("operationId"):
            yield Change(where, "operation id changed", breaking=True)
        yield from self._parameters(where, old, new)
        yield from self._bodies(where, old, new)
        yield from self._responses(where, old, new)

    def _parameters(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        before = {(one["in"], one["name"]): one for one in old.get("parameters", ())}
        after = {(one["in"], one["name"]): one for one in new.get("parameters", ())}
        for key, parameter in before.items():
            name = f"{where} parameter {key[1]}"
            if key not in after:
                yield Change(name, "removed", breaking=True)
                continue
            if after[key].get("required") and not parameter.get("required"):
                yield Change(name, "became required", breaking=True)
            yield from self._schemas(name, parameter["schema"], after[key]["schema"], sent=True)
        for key in after.keys() - before.keys():
            yield Change(f"{where} parameter {key[1]}", "added", breaking=bool(after[key].get("required")))

    def _bodies(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        before, after = _content(old.get("requestBody", {})), _content(new.get("requestBody", {}))
        if before is None or after is None:
            if before != after:
                yield Change(f"{where} body", "removed" if before else "added", breaking=True)
            return
        yield from self._schemas(f"{where} body", before, after, sent=True)

    def _responses(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        before, after = old.get("responses", {}), new.get("responses", {})
        for status, response in before.items():
            name = f"{where} answer {status}"
            if status not in after:
                yield Change(name, "status removed", breaking=True)
                continue
            shape, new_shape = _content(response), _content(after[status])
            if shape is not None and new_shape is not None:
                yield from self._schemas(name, shape, new_shape, sent=False)
            elif shape != new_shape:
                yield Change(name, "body removed" if shape else "body added", breaking=shape is not None)
        for status in after.keys() - before.keys():
            yield Change(f"{where} answer {status}", "status added", breaking=False)

    def _schemas(self, where: str, old: Json, new: Json, *, sent: bool) -> Iterator[Change]:
        """Yield the differences of two schemas: of what clients send, or of what they are given.

        Clients may go on sending what they sent, and are given nothing that they did not expect:
        so what is sent may only be widened, and what is given may only be narrowed.
        """
        old, new = _resolved(self.old, old), _resolved(self.new, new)
        narrowed = bool(_types(self.old, old) - _types(self.new, new))
        widened = bool(_types(self.new, new) - _types(self.old, old))
        if narrowed or widened:
            yield Change(
                where, "type narrowed" if narrowed else "type widened", narrowed if sent else widened
            )
        yield from self._properties(where, old, new, sent=sent)
        if "items" in old and "items" in new:
            yield from self._schemas(f"{where}[]", old["items"], new["items"], sent=sent)
        structural = {"type", "anyOf", "properties", "required", "items", *PROSE}
        for keyword in sorted((old.keys() | new.keys()) - structural):
            if old.get(keyword) != new.get(keyword):
                # A limit that is only lifted breaks nobody who sends.
                yield Change(where, f"{keyword} changed", breaking=keyword in new or not sent)

    def _properties(self, where: str, old: Json, new: Json, *, sent: bool) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        must, now_must = set(old.get("required", ())), set(new.get("required", ()))
        for name, schema in before.items():
            field = f"{where}.{name}"
            if name not in after:
                yield Change(field, "field removed", breaking=True)
                continue
            if (name in must) != (name in now_must):
                required = name in now_must
                what = "field became required" if required else "field became optional"
                yield Change(field, what, breaking=required if sent else not required)
            yield from self._schemas(field, schema, after[name], sent=sent)
        for name in after.keys() - before.keys():
            yield Change(f"{where}.{name}", "field added", breaking=sent and name in now_must)


def _content(message: Json) -> Json | None:
    media = message.get("content", {}).get("application/json")
    return media["schema"] if media else None


def _resolved(document: Json, schema: Json) -> Json:
    if "$ref" not in schema:
        return schema
    target: Any = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return _resolved(document, target)


def _types(document: Json, schema: Json) -> set[str]:
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return {kind for option in schema["anyOf"] for kind in _types(document, option)}
    kind = schema.get("type", ())
    return {kind} if isinstance(kind, str) else set(kind)
