"""`conduit demo`: every module makes its part of the data, and progress is shown."""

import asyncio
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from conduit_app.application import compose_from_settings
from conduit_app.commands.errors import fail, reporting_errors
from conduit_app.commands.serve import require_migrated
from conduit_app.composition import Composition
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.errors import DomainError
from modules.kernel.domain.progress import Progress as DemoProgress
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_load
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.schema import Schema, first_non_empty_table

RETRY_HINT = "remove the database, run conduit migrate, and try again"


class DemoError(Exception):
    """There can be no demonstration, or only half of one; the message is one line for the operator."""


def demo_command(
    articles: Annotated[
        int, typer.Option(help="How many articles; the number of everything else follows.", min=1)
    ] = 200,
) -> None:
    """Fill an empty database with made-up users and articles.

    Example: conduit demo --articles 1000

    The same number makes the same data.

    It begins with an empty database only. If it stops half-way, remove the database and begin again.
    """
    with reporting_errors():
        # A commit need not survive the loss of power: half of a demonstration is of no use.
        settings = load_settings(Settings).model_copy(update={"database_synchronous": "NORMAL"})
        configure_logging(settings)
        asyncio.run(require_migrated(compose_from_settings(settings)))
        try:
            remarks = asyncio.run(_demonstrate(compose_from_settings(settings), articles))
        except KeyboardInterrupt:
            fail(f"stopped half-way: {RETRY_HINT}")
        except DemoError as error:
            fail(str(error))
    for remark in remarks:
        typer.echo(remark, err=True)


async def _demonstrate(composition: Composition, articles: int) -> Sequence[str]:
    try:
        with progress_display() as progress:
            demo = await fill_demo(composition, articles, progress)
    finally:
        await composition.database.dispose()
    return demo.remarks


async def fill_demo(composition: Composition, articles: int, progress: DemoProgress) -> Demo:
    """Fill an empty database, module by module; return what was made.

    Raises `DemonstrationError` when a table is not empty, and when a module cannot finish its part.
    """
    demo, database = Demo(articles, progress), composition.database
    parts = [(module, module.demo) for module in composition.modules if module.demo is not None]
    schemas = [module.schema for module, _ in parts if module.schema is not None]
    await _require_empty(database, schemas)
    with _no_garbage_collection():
        async with bulk_load(database, schemas, progress):
            for module, make in parts:
                with _saying_whose_part(module.name):
                    await make(composition.containers[module.name], demo)
    return demo


async def _require_empty(database: Database, schemas: Sequence[Schema]) -> None:
    for schema in schemas:
        table = await first_non_empty_table(database, schema.metadata)
        if table is not None:
            raise DemoError(
                f"there is data in {table} already: a demonstration begins with an empty database"
            )


@contextmanager
def _saying_whose_part(module: str) -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        raise DemoError(f"{error} while {module} made its part: {RETRY_HINT}") from error


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    # To look for cycles among millions of rows, which have none, takes a quarter of the time.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def progress_display() -> Iterator[DemoProgress]:
    """Show progress on standard error: as bars on a terminal, as lines anywhere else."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    # Drawn when there is something new: a thread that redraws would take turns with the work.
    columns = TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, auto_refresh=False) as bars:
        yield _Bars(bars)


class _Lines:
    """A line for each stage."""

    def begin(self, what: str, total: int) -> None:
        typer.echo(f"making {total:,} {what}", err=True)

    def advance(self, number: int) -> None:
        pass


class _Bars:
    """A bar for each stage."""

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
