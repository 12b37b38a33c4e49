"""Whose a table is, and the error of a module that uses another's."""


class ForeignTable(RuntimeError):
    """A module's statement uses a table of another module; the message names both."""

    def __init__(self, module: str, table: str, owner: str) -> None:
        super().__init__(f"{module} uses {table}, a table of {owner}")


class TableOwners:
    """The modules of an application. A table belongs to the module whose name it begins with."""

    def __init__(self) -> None:
        self._modules: set[str] = set()

    def add(self, module: str) -> None:
        """Add a module."""
        self._modules.add(module)

    def refusal(self, module: str, table: str) -> ForeignTable | None:
        """Return the error of a module that uses this table, or None if no other module owns it."""
        name = table.lower()
        if name.startswith(f"{module}_"):
            return None
        owner = next((owner for owner in self._modules if name.startswith(f"{owner}_")), None)
        return None if owner is None else ForeignTable(module, name, owner)
