"""The marks of endpoints whose answers last."""

import math
from collections.abc import Callable
from typing import TypeVar

EndpointT = TypeVar("EndpointT", bound=Callable[..., object])

LASTING = "conduit.lasting"
"""Where a request's ASGI scope says that its answer lasts: for so many seconds at most."""


def lasting(endpoint: EndpointT) -> EndpointT:
    """Mark an endpoint whose answer lasts until the database changes.

    It depends on the URL, on who asks and on the database, and on nothing else: not on the time, on
    chance, or on another header. The application may give such an answer again without asking.
    """
    return lasting_for(math.inf)(endpoint)


def lasting_for(seconds: float) -> Callable[[EndpointT], EndpointT]:
    """Mark an endpoint whose answer depends on the time too, and may be so many seconds old.

    Besides, it lasts as `lasting` says: until the database changes.
    """

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__[LASTING] = seconds
        return endpoint

    return mark
