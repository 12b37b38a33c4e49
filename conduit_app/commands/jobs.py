"""`conduit jobs`: the periodic jobs of modules."""

from datetime import datetime
from typing import Annotated

import typer

from conduit_app.commands.audited_command import audited_command
from conduit_app.commands.fail import fail
from conduit_app.commands.on_composition import run_on_composition
from modules.kernel.infrastructure.jobs import Jobs, JobState

jobs = typer.Typer(help="List the periodic jobs; run one now.", no_args_is_help=True)


@jobs.command(name="list")
def list_command() -> None:
    """List the jobs of the enabled modules, with their last and next runs.

    Example: conduit jobs list
    """
    states = run_on_composition(lambda composition: composition.jobs.states())
    for state in states:
        typer.echo(_line(state))
    if not states:
        typer.echo("no jobs", err=True)


@jobs.command()
def run(name: Annotated[str, typer.Argument(help="Name of the job, as shown by conduit jobs list.")]) -> None:
    """Make a job due: a serving process runs it within a minute.

    Example: conduit jobs run users/expired-counts
    """
    audited = audited_command("jobs run", {"name": name})
    if not run_on_composition(lambda composition: _schedule(composition.jobs, name), audited):
        fail(f"{name} is running, or has never run: a serving process runs it when it starts")
    typer.echo(f"{name} is due", err=True)


async def _schedule(found: Jobs, name: str) -> bool:
    if name not in found.names:
        fail(f"there is no job {name}")
    return await found.schedule(name)


def _line(state: JobState) -> str:
    following = "running" if state.is_running else f"next {_time(state.next_run_at)}"
    error = f", {state.failures} failures: {_last_line(state.last_error)}" if state.last_error else ""
    every = f"every {state.every.total_seconds():.0f} s"
    return f"{state.name}  {every}, last {_time(state.finished_at)}, {following}{error}"


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
