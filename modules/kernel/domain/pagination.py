"""Which part of a list is wanted."""

from dataclasses import dataclass

DEFAULT_LIMIT = 20
GREATEST_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Page:
    """A window on a list: how many rows at the most (served up to 100), after how many others."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0

    def __post_init__(self) -> None:
        if self.limit < 1 or self.offset < 0:
            raise ValueError(self)
        object.__setattr__(self, "limit", min(self.limit, GREATEST_LIMIT))
