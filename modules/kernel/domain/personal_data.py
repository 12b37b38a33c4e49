"""The export of the personal data of one user from all modules."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from modules.kernel.domain.identity import UserId

PersonalDataSource = Callable[[UserId], Awaitable[Mapping[str, object]]]
"""Returns the data of one module about a user, as JSON values by their kind.

A list that may be long is an `AsyncIterator` of its items, which reads them in batches: the export is
streamed. Between two items it has no unit of work open, since the client decides how long that takes.
"""


class PersonalData:
    """Collects the personal data of a user from every module that stores some."""

    def __init__(self) -> None:
        self._sources: dict[str, Callable[[], PersonalDataSource]] = {}

    def add(self, module: str, source: Callable[[], PersonalDataSource]) -> None:
        """Add a module. `source` is called at each export, so that adding creates no service."""
        self._sources[module] = source

    async def of(self, user_id: UserId) -> AsyncIterator[tuple[str, Mapping[str, object]]]:
        """Yield each module's name and its personal data of the user."""
        for module, source in self._sources.items():
            yield module, await source()(user_id)
