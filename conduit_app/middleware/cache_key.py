"""The part of a URL's query that a cacheable response depends on."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import RouteContext
from starlette.routing import compile_path

from modules.kernel.api.cacheable import CACHE_MAX_AGE

NOTHING = r"(?!)"
QueryPairs = tuple[tuple[str, str], ...]


class CacheKeys:
    """Leaves out of a query what no cacheable endpoint of the path declares.

    Otherwise `?_=1`, `?_=2`, … would each compute the same response and evict others from the cache.
    """

    def __init__(self, routes: Iterable[RouteContext]) -> None:
        cacheable = [
            route
            for route in routes
            if route.path and CACHE_MAX_AGE in getattr(route.endpoint, "__dict__", {})
        ]
        # One expression for all paths, with a group for each: the number of the group is the route's.
        paths = [re.sub(r"\?P<\w+>", "?:", compile_path(str(route.path))[0].pattern) for route in cacheable]
        self._paths = re.compile("|".join(f"({path})" for path in paths) or NOTHING)
        self._names = [_query_names(route) for route in cacheable]

    def query(self, path: str, query_string: bytes) -> QueryPairs | None:
        """Return the declared parameters of the query, in their order; None for an uncacheable path."""
        match = self._paths.match(path)
        if match is None:
            return None
        if not query_string:
            return ()
        assert match.lastindex is not None  # noqa: S101 - each alternative is a group
        names = self._names[match.lastindex - 1]
        # As Starlette parses it, but no two different texts become equal.
        pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="surrogateescape")
        return tuple(pair for pair in pairs if pair[0] in names)


def _query_names(route: RouteContext) -> frozenset[str]:
    fields = get_flat_params(route.dependant)
    return frozenset(field.alias for field in fields if isinstance(field.field_info, Query))
