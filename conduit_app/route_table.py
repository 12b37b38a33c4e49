"""The table of routes: finds the route of a request by its method and the segments of its path."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import NamedTuple

from fastapi.routing import APIRoute, RouteContext
from starlette._utils import get_route_path
from starlette.types import Scope

from modules.kernel.api.router import DirectRoute, direct_route

PARAMETER = re.compile(r"\{\w+\}")


class _Entry(NamedTuple):
    literals_of: Callable[[list[str]], object]
    """Returns the segments of a path at the positions that are not parameters."""

    literals: object
    """The value of `literals_of` for the route's own path."""

    parameters: list[tuple[int, str]]
    """The names of the parameters, with their positions in the path."""

    direct: DirectRoute | None
    scope: Scope


class RouteTable:
    """The routes of an application whose endpoints can be called without FastAPI.

    It finds the route that FastAPI's router would find, which tries each route of an included router twice,
    or none: for unknown paths and methods, mounts, and parameters with a converter.
    """

    def __init__(self, routes: Iterable[RouteContext]) -> None:
        self._entries: defaultdict[tuple[str, int], list[_Entry]] = defaultdict(list)
        skipped: list[str] = []
        for route in routes:
            # The text before the first parameter; none for a route that is not found by its path.
            start, parameter, _ = (route.path or "").partition("{")
            # It has precedence over later routes that match the same paths, so they are skipped too.
            is_later = any(
                start.startswith(other) or (parameter and other.startswith(start)) for other in skipped
            )
            if is_later or not _is_plain(route):
                skipped.append(start)
            else:
                self._add(route)

    def _add(self, route: RouteContext) -> None:
        segments = str(route.path).split("/")
        literals_of = itemgetter(*(position for position, text in enumerate(segments) if "{" not in text))
        parameters = [(position, text[1:-1]) for position, text in enumerate(segments) if "{" in text]
        scope = {"endpoint": route.endpoint, "route": route.original_route}
        # The routes that only FastAPI can call are in the table, too: they have precedence over later ones.
        entry = _Entry(literals_of, literals_of(segments), parameters, direct_route(route), scope)
        for method in route.methods or ():
            self._entries[method, len(segments)].append(entry)

    def find(self, scope: Scope) -> tuple[DirectRoute, Scope] | None:
        """Return the route of a request, and what FastAPI's router would add to its scope, or None."""
        # The router ignores a line feed at the end.
        if scope["path"].endswith("\n"):
            return None
        segments = get_route_path(scope).split("/")
        entries = self._entries.get((scope["method"], len(segments)), ())
        for literals_of, literals, parameters, direct, added in entries:
            if literals_of(segments) == literals:
                path_params = {name: segments[position] for position, name in parameters}
                # A parameter without a converter is never empty.
                if all(path_params.values()):
                    return None if direct is None else (direct, {**added, "path_params": path_params})
        return None


def _is_plain(route: RouteContext) -> bool:
    """Return whether each segment of the path is a literal or a parameter without a converter."""
    names = [text for text in str(route.path).split("/") if "{" in text]
    return (
        isinstance(route.original_route, APIRoute)
        # They differ by the converters.
        and route.path == route.path_format
        and all(PARAMETER.fullmatch(name) for name in names)
    )
