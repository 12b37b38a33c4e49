"""What modules keep about one user, gathered for that user."""

from collections.abc import Awaitable, Callable, Mapping

from modules.kernel.domain.identity import UserId

PersonalDataSource = Callable[[UserId], Awaitable[Mapping[str, object]]]
"""Returns what one module keeps about a user, as JSON has it: lists of it by what it is."""


class PersonalData:
    """Asks every module that keeps something about a user."""

    def __init__(self) -> None:
        self._sources: dict[str, Callable[[], PersonalDataSource]] = {}

    def add(self, module: str, source: Callable[[], PersonalDataSource]) -> None:
        """Ask this module too. The source is asked for at the first use, so that adding builds no service."""
        self._sources[module] = source

    async def of(self, user: UserId) -> Mapping[str, Mapping[str, object]]:
        """Return what is kept about the user, by module."""
        return {module: await source()(user) for module, source in self._sources.items()}
