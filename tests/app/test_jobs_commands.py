"""`conduit jobs`, with the jobs of the core modules."""

import os

import anyio
from typer.testing import CliRunner, Result

from conduit_app.application import create_application
from conduit_app.cli import main
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from tests.client import Api
from tests.conftest import SECRET

JOB = "users/expired-counts"


async def call(settings: Settings, *arguments: str) -> Result:
    """Run `conduit jobs`."""
    environment = {
        "CONDUIT_DATABASE_URL": settings.database_url,
        "CONDUIT_SECRET_KEY": SECRET,
        # Standard error has what the command says.
        "CONDUIT_AUDIT_LOG": os.devnull,
    }
    run = CliRunner().invoke
    # In a thread: the command runs its own event loop.
    return await anyio.to_thread.run_sync(lambda: run(main, ["jobs", *arguments], env=environment))


async def test_job_is_listed_made_due_and_measured(settings: Settings, composition: Composition) -> None:
    before = (await call(settings, "list")).stdout.splitlines()
    assert f"{JOB}  every 300 s, last never, next never" in before
    assert (await call(settings, "run", JOB)).exit_code == 1
    assert await composition.jobs.run_if_due(JOB) > 0
    due = await call(settings, "run", JOB)
    assert (due.exit_code, due.stderr) == (0, f"{JOB} is due\n")
    [state] = [state for state in await composition.jobs.states() if state.name == JOB]
    assert state.finished_at is not None
    listed = (await call(settings, "list")).stdout
    assert f"{JOB}  every 300 s, last {state.finished_at:%Y-%m-%d %H:%M:%S} UTC, next " in listed
    metrics = (await Api(create_application(settings, composition)).outside("GET", "/metrics")).text
    assert f'conduit_job_failures{{job="{JOB}"}} 0.0' in metrics
    assert f'conduit_job_last_success_timestamp_seconds{{job="{JOB}"}} 0.0' not in metrics


async def test_unknown_job_is_refused(settings: Settings) -> None:
    result = await call(settings, "run", "users/none")
    assert (result.exit_code, result.stderr) == (1, "conduit: there is no job users/none\n")
