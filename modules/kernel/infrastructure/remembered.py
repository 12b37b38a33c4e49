"""What was read from the database, remembered for as long as nothing in it has changed."""

from typing import Generic, TypeVar

from modules.kernel.infrastructure.database import Database

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Remembered(Generic[KeyT, ValueT]):
    """Values by key, all forgotten when any process commits anything.

    So a remembered value is what reading would give now. Where the database cannot tell its version,
    nothing is remembered.
    """

    def __init__(self, database: Database, at_most: int) -> None:
        self._database = database
        self._at_most = at_most
        self._values: dict[KeyT, ValueT] = {}
        self._as_of: int | None = None

    def version(self) -> int | None:
        """Return the database's version, for `put`: ask before reading what is to be remembered."""
        version = self._database.version()
        if version != self._as_of:
            self._values.clear()
            self._as_of = version
        return version

    def get(self, key: KeyT) -> ValueT | None:
        """Return the value that was read for the key, or None if it must be read."""
        return self._values.get(key) if self.version() is not None else None

    def put(self, key: KeyT, value: ValueT, version: int | None) -> None:
        """Remember a value that was read after the database had this version."""
        if version is None or version != self._as_of:
            return
        if len(self._values) >= self._at_most:
            self._values.pop(next(iter(self._values)))
        self._values[key] = value
