"""The part of a URL's query that a cacheable response depends on."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import RouteContext
from starlette.routing import compile_path

from modules.kernel.api.cacheable import CACHE_MAX_AGE

QueryPairs = tuple[tuple[str, str], ...]


class CacheKeys:
    """Leaves out of a query what no cacheable endpoint of the path declares.

    Otherwise `?_=1`, `?_=2`, … would each compute the same response and evict others from the cache.
    """

    def __init__(self, routes: Iterable[RouteContext]) -> None:
        self._declared: Sequence[tuple[re.Pattern[str], frozenset[str]]] = [
            (compile_path(route.path)[0], _query_names(route))
            for route in routes
            if route.path and CACHE_MAX_AGE in getattr(route.endpoint, "__dict__", {})
        ]

    def query(self, path: str, query_string: bytes) -> QueryPairs:
        """Return the declared parameters of the query, in their order; none for an uncacheable path."""
        if not query_string:
            return ()
        names = next((names for pattern, names in self._declared if pattern.match(path)), frozenset[str]())
        # As Starlette parses it, but no two different texts become equal.
        pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="surrogateescape")
        return tuple(pair for pair in pairs if pair[0] in names)


def _query_names(route: RouteContext) -> frozenset[str]:
    fields = get_flat_params(route.dependant)
    return frozenset(field.alias for field in fields if isinstance(field.field_info, Query))
