"""Conflicts between modules over routes: each request, operation id and schema name belongs to one module."""

from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import combinations
from typing import Any, get_args

from fastapi import APIRouter
from fastapi.routing import APIRoute, RouteContext
from pydantic import BaseModel
from starlette.routing import BaseRoute

from conduit_app.composition import CompositionError
from modules.kernel.module import Module

OwnedRoute = tuple[str, RouteContext]
"""The name of a module and one of its routes."""

REST_OF_PATH = ":path}"


class RouteConflict(CompositionError):
    """Two modules claim the same request, operation id or schema name."""

    def __init__(self, message: str, *names: str) -> None:
        super().__init__(message)
        self.names = names
        """The paths, without the prefix of the API, the operation id or the schema."""


def sort_routes(router: APIRouter) -> None:
    """Put each path before those with parameters that match it, too."""
    ordered: list[BaseRoute] = []
    for route in router.routes:
        path = _path(route)
        positions = (
            position
            for position, earlier in enumerate(ordered)
            if _overlap(path, _path(earlier)) and _segment_kinds(path) < _segment_kinds(_path(earlier))
        )
        ordered.insert(next(positions, len(ordered)), route)
    router.routes[:] = ordered


def reject_conflicts(routes: Sequence[OwnedRoute]) -> None:
    """Raise `RouteConflict`, naming both modules, for the first conflict.

    Conflicts are two routes that match the same request, unless one module has both and one of them is
    more specific; an operation id of two operations; and the name of two schemas in the OpenAPI document.
    """
    for (module, route), (other, other_route) in combinations(routes, 2):
        if common := set(route.methods or ()) & set(other_route.methods or ()):
            path, other_path = str(route.path), str(other_route.path)
            is_ordered = module == other and _segment_kinds(path) != _segment_kinds(other_path)
            if _overlap(path, other_path) and not is_ordered:
                claimed = f"{min(common)} {path} of {module}"
                message = f"{claimed} matches the same requests as {other_path} of {other}"
                raise RouteConflict(message, path, other_path)
    _reject_repeated("operation id", _operation_ids(routes))
    _reject_repeated("schema", _schemas(routes))


def described_tags(modules: Sequence[Module]) -> list[dict[str, Any]]:
    """Return the tags that the modules describe, for the OpenAPI document.

    Raises `RouteConflict`, naming both modules, for a tag that two of them describe.
    """
    described = [(module.name, tag, text) for module in modules for tag, text in module.tags.items()]
    for (module, tag, _), (other, other_tag, _) in combinations(described, 2):
        if tag == other_tag:
            raise RouteConflict(f"tag {tag} of {other} is also one of {module}", tag)
    return [{"name": tag, "description": text} for _, tag, text in described]


def _path(route: BaseRoute) -> str:
    return getattr(route, "path", "")


def _segment_kinds(path: str) -> list[int]:
    """Return for each segment whether it is fixed (0), a parameter (1) or the rest of the path (2)."""
    return [2 if text.endswith(REST_OF_PATH) else 1 if "{" in text else 0 for text in path.split("/")]


def _overlap(path: str, other: str) -> bool:
    """Return whether some path matches both."""
    segments, others = path.split("/"), other.split("/")
    for segment, other_segment in zip(segments, others, strict=False):
        if segment.endswith(REST_OF_PATH) or other_segment.endswith(REST_OF_PATH):
            return True
        if segment != other_segment and "{" not in segment + other_segment:
            return False
    return len(segments) == len(others)


def _reject_repeated(kind: str, uses: Iterator[tuple[str, str, object]]) -> None:
    used: dict[str, tuple[str, object]] = {}
    for module, name, thing in uses:
        other, used_for = used.setdefault(name, (module, thing))
        if used_for is not thing:
            raise RouteConflict(f"{kind} {name} of {module} is also one of {other}", name)


def _operation_ids(routes: Sequence[OwnedRoute]) -> Iterator[tuple[str, str, object]]:
    for module, route in routes:
        original = route.original_route
        if isinstance(original, APIRoute) and original.operation_id is not None:
            yield module, original.operation_id, original


def _schemas(routes: Sequence[OwnedRoute]) -> Iterator[tuple[str, str, object]]:
    seen: set[type] = set()
    for module, route in routes:
        original = route.original_route
        if isinstance(original, APIRoute):
            body = original.body_field
            for annotation in (original.response_model, body and body.field_info.annotation):
                for schema in _named_types(annotation, seen):
                    yield module, schema.__name__, schema


def _named_types(annotation: Any, seen: set[type]) -> Iterator[type]:
    """Return the models and enumerations in an annotation that were not seen before."""
    for argument in get_args(annotation):
        yield from _named_types(argument, seen)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel | Enum) and annotation not in seen:
        seen.add(annotation)
        yield annotation
        if issubclass(annotation, BaseModel):
            for field in annotation.model_fields.values():
                yield from _named_types(field.annotation, seen)
