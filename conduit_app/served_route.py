"""What logs and traces name of the route that a request reached."""

from typing import NamedTuple


class ServedRoute(NamedTuple):
    """A module's route."""

    template: str
    """Its path with the names of its parameters, so that lines can be grouped by route."""

    module: str
    owner: str
    """The team that owns the module; an empty string if its manifest declares none."""
