"""The mark of endpoints whose responses may be cached."""

import math
from collections.abc import Callable
from typing import TypeVar, overload

EndpointT = TypeVar("EndpointT", bound=Callable[..., object])

CACHE_MAX_AGE = "conduit.cache_max_age"
"""The key of a request's ASGI scope that holds how long its response may be cached, in seconds."""


@overload
def cacheable(endpoint: EndpointT) -> EndpointT: ...


@overload
def cacheable(*, max_age: float) -> Callable[[EndpointT], EndpointT]: ...


def cacheable(
    endpoint: EndpointT | None = None, *, max_age: float = math.inf
) -> EndpointT | Callable[[EndpointT], EndpointT]:
    """Mark an endpoint whose response may be cached until the database changes: `@cacheable`.

    The response must depend on the path, the declared query parameters, the caller and the database only:
    not on other query parameters or headers, the time or random numbers. `@cacheable(max_age=60)` marks a
    response that also depends on the time and is served from the cache for at most 60 seconds.
    """

    def mark(marked: EndpointT) -> EndpointT:
        marked.__dict__[CACHE_MAX_AGE] = max_age
        return marked

    return mark if endpoint is None else mark(endpoint)
