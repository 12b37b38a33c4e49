"""The table of routes: finds the route of a request by its method and the segments of its path."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, NamedTuple, Never

from fastapi.routing import APIRoute, RouteContext
from starlette._utils import get_route_path
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

ROUTE_APP = "conduit.route_app"
PARAMETER = re.compile(r"\{\w+\}")


class _Entry(NamedTuple):
    literals_of: Callable[[list[str]], object]
    """Returns the segments of a path at the positions that are not parameters."""

    literals: object
    """The value of `literals_of` for the route's own path."""

    parameters: list[tuple[int, str]]
    """The names of the parameters, with their positions in the path."""

    scope: Scope


class RouteTable(BaseRoute):
    """The first route of a router, which finds the others without trying all of them in order.

    FastAPI's router tries each route of an included router twice. What is not in the table is left to it:
    unknown paths and methods, mounts, parameters with a converter. The table finds the route that the router
    would find, and adds the same `endpoint`, `path_params` and `route` to the scope.
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
        scope = {"endpoint": route.endpoint, "route": route.original_route, ROUTE_APP: route.app}
        entry = _Entry(literals_of, literals_of(segments), parameters, scope)
        for method in route.methods or ():
            self._entries[method, len(segments)].append(entry)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return a full match with what it adds to the scope, or none."""
        # The router ignores a line feed at the end.
        if scope["type"] == "http" and not scope["path"].endswith("\n"):
            segments = get_route_path(scope).split("/")
            entries = self._entries.get((scope["method"], len(segments)), ())
            for literals_of, literals, parameters, found in entries:
                if literals_of(segments) == literals:
                    path_params = {name: segments[position] for position, name in parameters}
                    # A parameter without a converter is never empty.
                    if all(path_params.values()):
                        return Match.FULL, {**found, "path_params": path_params}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the route that was found."""
        await scope[ROUTE_APP](scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Never:
        """Raise `NoMatchFound`, so that the router goes on to the route of this name."""
        raise NoMatchFound(name, path_params)


def _is_plain(route: RouteContext) -> bool:
    """Return whether each segment of the path is a literal or a parameter without a converter."""
    names = [text for text in str(route.path).split("/") if "{" in text]
    return (
        isinstance(route.original_route, APIRoute)
        # They differ by the converters.
        and route.path == route.path_format
        and all(PARAMETER.fullmatch(name) for name in names)
    )
