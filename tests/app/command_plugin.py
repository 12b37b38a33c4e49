"""A plugin with a command."""

from modules.kernel.container import ModuleContainer
from modules.kernel.module import Command, Module


async def stamp(container: ModuleContainer) -> str:
    """Return a message with the dialect of the database."""
    return f"stamped {container.database().dialect}"


MODULE = Module(
    name="stamp",
    container=ModuleContainer,
    commands=[Command("all", "Stamp everything.", stamp)],
)
