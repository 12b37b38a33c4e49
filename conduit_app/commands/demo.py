"""`conduit demo`."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from conduit_app.application import compose_from_settings
from conduit_app.commands.errors import reporting_errors
from conduit_app.commands.fail import fail
from conduit_app.commands.serve import require_migrated
from conduit_app.composition import Composition
from conduit_app.demo_tables import demo_schemas, first_table_with_data
from conduit_app.gc_paused import gc_paused
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.clock import SystemClock
from modules.kernel.domain.errors import DomainError
from modules.kernel.domain.progress import Progress as DemoProgress
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_load

RETRY_HINT = "remove the database, run conduit migrate, and try again"


class DemoError(Exception):
    """The demo data cannot be created; the message is one line for the operator."""


def demo_command(
    articles: Annotated[
        int, typer.Option(help="Number of articles; the amount of other data is derived from it.", min=1)
    ] = 200,
) -> None:
    """Fill an empty database with demo users, articles and comments.

    Example: conduit demo --articles 1000

    The data is deterministic: the same number gives the same data, whose times end now.

    The database must be empty. If the command is interrupted, remove the database and start over.
    """
    with reporting_errors():
        # Commits need not survive a power failure: partial demo data is discarded anyway.
        settings = load_settings(Settings).model_copy(update={"database_synchronous": "NORMAL"})
        configure_logging(settings)
        composition = compose_from_settings(settings)
        asyncio.run(require_migrated(settings, composition))
        try:
            notes = asyncio.run(_run(composition, articles))
        except KeyboardInterrupt:
            fail(f"stopped half-way: {RETRY_HINT}")
        except DemoError as error:
            fail(str(error))
    for note in notes:
        typer.echo(note, err=True)


async def _run(composition: Composition, articles: int) -> Sequence[str]:
    try:
        with progress_display() as progress:
            demo = await fill_demo(composition, articles, progress, SystemClock().now())
    finally:
        await composition.database.dispose()
    return demo.remarks


async def fill_demo(composition: Composition, articles: int, progress: DemoProgress, until: datetime) -> Demo:
    """Fill an empty database with data of the year before `until`, module by module; return the demo data.

    Raises `DemoError` when a table is not empty, and when a module fails.
    """
    demo, database = Demo(articles, progress, until), composition.database
    parts = [(module, module.demo) for module in composition.modules if module.demo is not None]
    table = await first_table_with_data(composition)
    if table is not None:
        raise DemoError(f"there is data in {table} already: a demonstration begins with an empty database")
    with gc_paused():
        async with bulk_load(database, demo_schemas(composition), progress):
            for module, fill in parts:
                with _naming_module(module.name):
                    await fill(composition.containers[module.name], demo)
    return demo


@contextmanager
def _naming_module(module: str) -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        raise DemoError(f"{error} while {module} made its part: {RETRY_HINT}") from error


@contextmanager
def progress_display() -> Iterator[DemoProgress]:
    """Show progress on standard error: bars on a terminal, else lines."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _LineProgress()
        return
    # Redrawn on progress: a refresh thread would compete for the GIL.
    columns = TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, auto_refresh=False) as bars:
        yield _BarProgress(bars)


class _LineProgress:
    """Progress as one line per stage."""

    def begin(self, what: str, total: int) -> None:
        typer.echo(f"creating {total:,} {what}", err=True)

    def advance(self, number: int) -> None:
        pass


class _BarProgress:
    """Progress as one bar per stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._stage: TaskID | None = None

    def begin(self, what: str, total: int) -> None:
        self._stage = self._bars.add_task(what, total=total)
        self._bars.refresh()

    def advance(self, number: int) -> None:
        if self._stage is not None:
            self._bars.advance(self._stage, number)
            self._bars.refresh()
