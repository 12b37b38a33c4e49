"""The export of the personal data of one user from all modules."""

from collections.abc import Awaitable, Callable, Mapping

from modules.kernel.domain.identity import UserId

PersonalDataSource = Callable[[UserId], Awaitable[Mapping[str, object]]]
"""Returns the data of one module about a user, as JSON values: lists by their kind."""


class PersonalData:
    """Collects the personal data of a user from every module that stores some."""

    def __init__(self) -> None:
        self._sources: dict[str, Callable[[], PersonalDataSource]] = {}

    def add(self, module: str, source: Callable[[], PersonalDataSource]) -> None:
        """Add a module. `source` is called at each export, so that adding creates no service."""
        self._sources[module] = source

    async def of(self, user_id: UserId) -> Mapping[str, Mapping[str, object]]:
        """Return the user's personal data, by module."""
        return {module: await source()(user_id) for module, source in self._sources.items()}
