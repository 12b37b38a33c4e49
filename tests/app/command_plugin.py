"""A plugin that has a command for operators."""

from modules.kernel.container import ModuleContainer
from modules.kernel.module import Command, Module


async def stamp(container: ModuleContainer) -> str:
    """Say that it was done, and on which database."""
    return f"stamped {container.database().dialect}"


MODULE = Module(
    name="stamp",
    container=ModuleContainer,
    commands=[Command("all", "Stamp everything.", stamp)],
)
