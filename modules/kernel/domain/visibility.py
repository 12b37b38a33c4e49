"""The audiences of a viewer, which decide whether the viewer sees what modules restrict."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from modules.kernel.domain.identity import UserId

AudienceSource = Callable[[UserId], Awaitable[Collection[str]]]
"""Returns the audiences of one module that a user is in, such as `moderators`.

It is called whenever articles are read for a user. It takes at most one statement, and its result depends on
the database alone: responses are cached by the database's version.
"""


class Audiences:
    """Collects the audiences of a viewer from every module that has some."""

    def __init__(self) -> None:
        self._sources: dict[str, Callable[[], AudienceSource]] = {}

    def add(self, module: str, source: Callable[[], AudienceSource]) -> None:
        """Add a module. `source` is called for each viewer, so that adding creates no service."""
        self._sources[module] = source

    async def of(self, viewer: UserId | None) -> Sequence[str]:
        """Return the viewer's audiences as `audience_name` names them; an anonymous viewer has none."""
        if viewer is None or not self._sources:
            return ()
        return [
            audience_name(module, audience)
            for module, source in self._sources.items()
            for audience in await source()(viewer)
        ]


def audience_name(module: str, audience: str) -> str:
    """Return the name of an audience among those of all modules."""
    return f"{module}/{audience}"
