"""Runs a command's operation on the composed application."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from conduit_app.application import compose_from_settings
from conduit_app.commands.errors import reporting_errors
from conduit_app.composition import Composition
from conduit_app.migrations.schema_state import require_compatible
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings
from modules.kernel.module import KERNEL

ResultT = TypeVar("ResultT")


def run_on_composition(
    operation: Callable[[Composition], Awaitable[ResultT]],
    around: AbstractContextManager[object] | None = None,
) -> ResultT:
    """Return the result of an operation on the kernel's tables, with which this release must be compatible.

    Reports errors that the operator can fix, and exits with code 1. It runs in the context
    `around`, such as `audited_command`.
    """
    with reporting_errors():
        settings = load_settings(Settings)
        configure_logging(settings)
        with around or nullcontext():
            return asyncio.run(_run(settings, operation))


async def _run(settings: Settings, operation: Callable[[Composition], Awaitable[ResultT]]) -> ResultT:
    composition = compose_from_settings(settings)
    try:
        await require_compatible(composition.database, [KERNEL])
        return await operation(composition)
    finally:
        await composition.database.dispose()
