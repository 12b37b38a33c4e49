"""`conduit maintenance`: make the site read-only."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from conduit_app.commands.audited_command import audited_command
from conduit_app.commands.on_composition import run_on_composition
from conduit_app.composition import Composition
from modules.kernel.infrastructure.maintenance import POLL_SECONDS, MaintenanceState

maintenance = typer.Typer(help="Make the site read-only, and end that.", no_args_is_help=True)


@maintenance.command()
def on(
    retry_after: Annotated[int, typer.Option(min=1, help="Seconds in Retry-After.")] = 60,
) -> None:
    """Refuse writes with 503 in all processes; reads go on.

    Example: conduit maintenance on --retry-after 300

    Returns when every process refuses them. A request that had begun may still write, for 45 seconds at
    most. Deliveries of events and jobs wait, too; commands still write.
    """

    async def begin(composition: Composition) -> None:
        await composition.maintenance.begin(timedelta(seconds=retry_after))
        # Until every process has looked.
        await asyncio.sleep(2 * POLL_SECONDS)

    run_on_composition(begin, audited_command("maintenance on", {"retry_after": retry_after}))
    typer.echo("the site is read-only", err=True)


@maintenance.command()
def off() -> None:
    """Let the site be written again.

    Example: conduit maintenance off
    """
    run_on_composition(
        lambda composition: composition.maintenance.end(), audited_command("maintenance off", {})
    )
    typer.echo("the site is no longer read-only", err=True)


@maintenance.command()
def status() -> None:
    """Print whether the site is read-only.

    Example: conduit maintenance status
    """
    state = run_on_composition(lambda composition: composition.maintenance.state())
    typer.echo(_line(state))


def _line(state: MaintenanceState | None) -> str:
    if state is None:
        return "off"
    return (
        f"on since {state.since:%Y-%m-%d %H:%M:%S} UTC, retry after {state.retry_after.total_seconds():.0f} s"
    )
