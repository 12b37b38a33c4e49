"""`conduit doctor`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated

import typer

from conduit_app.application import compose_from_settings
from conduit_app.commands.audited_command import audited_command
from conduit_app.commands.errors import reporting_errors
from conduit_app.composition import Composition
from conduit_app.migrations.schema_state import require_compatible
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.infrastructure.persistence.database_problems import database_problems

MAX_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """The differences that one check has found."""

    check: ConsistencyCheck
    rows: int
    examples: Sequence[str]

    def __str__(self) -> str:
        columns = ", ".join(self.check.columns)
        return f"{columns}: {self.check.problem}: {self.rows} ({', '.join(self.examples)})"


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Recompute wrong counts, delete rows of missing targets.")
    ] = False,
) -> None:
    """Check the database, stored counts and references.

    Example: conduit doctor --repair

    Prints a line for each problem and each kind of difference. The exit code is 1 if there are any, or if
    some remain after the repair. Safe while servers run.
    """
    with reporting_errors():
        settings = load_settings(Settings)
        configure_logging(settings)
        with audited_command("doctor", {"repair": True}) if repair else nullcontext():
            consistent = asyncio.run(_run(compose_from_settings(settings), repair=repair))
    if not consistent:
        raise typer.Exit(1)


async def find_differences(composition: Composition) -> AsyncIterator[Finding]:
    """Yield the differences of each check of each module that has found any."""
    for module in composition.modules:
        if module.checks is not None:
            for check in module.checks(composition.containers[module.name]):
                finding = await _examine(check)
                if finding.rows:
                    yield finding


async def _run(composition: Composition, *, repair: bool) -> bool:
    try:
        await require_compatible(composition.database, composition.migratable)
        problems = await database_problems(composition.database)
        for problem in problems:
            typer.echo(problem)
        consistent = True
        async for finding in find_differences(composition):
            consistent = False
            typer.echo(finding)
            if repair:
                typer.echo(f"  repaired: {await finding.check.repair()}")
        if repair and not consistent:
            remaining = [finding async for finding in find_differences(composition)]
            for finding in remaining:
                typer.echo(f"remains: {finding}")
            consistent = not remaining
        return consistent and not problems
    finally:
        await composition.database.dispose()


async def _examine(check: ConsistencyCheck) -> Finding:
    rows = 0
    examples: list[str] = []
    async for difference in check.differences():
        rows += difference.rows
        if len(examples) < MAX_EXAMPLES:
            examples.append(difference.text)
        elif len(examples) == MAX_EXAMPLES:
            examples.append("…")
    return Finding(check, rows, examples)
