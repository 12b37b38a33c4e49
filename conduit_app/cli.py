"""The command line."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from conduit_app.application import compose_from, create_application
from conduit_app.checks.report import Format, render
from conduit_app.checks.running_rules import check_everything, snapshots
from conduit_app.checks.source import Checkout, uncollected
from conduit_app.checks.source_rules import check_sources
from conduit_app.commands.backup import backup, restore
from conduit_app.commands.demo import BEGIN_AGAIN, demonstrate, shown_progress
from conduit_app.commands.errors import fail, one_line_errors
from conduit_app.commands.events import events
from conduit_app.commands.module_commands import ConduitCommands
from conduit_app.commands.serve import require_migrated, serve
from conduit_app.composition import Composition
from conduit_app.migrations.runner import migrate
from conduit_app.module_catalog import HouseFormat, cards, render_house
from conduit_app.new_module.naming import ModuleName
from conduit_app.new_module.plan import plan_in_tree, plan_plugin
from conduit_app.new_module.writing import require_running, write_module
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load

main = typer.Typer(
    name="conduit",
    cls=ConduitCommands,
    help="The RealWorld blogging backend. `conduit COMMAND --help` says more, with an example.",
    no_args_is_help=True,
    # Paragraphs are filled as wide as the terminal is.
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
# The headings that the help shows commands under.
RUN, LOOK_AFTER, DEVELOP = "Run", "Look after", "Develop"

main.command(rich_help_panel=RUN)(serve)
main.add_typer(events, name="events", rich_help_panel=LOOK_AFTER)
main.command(rich_help_panel=LOOK_AFTER)(backup)
main.command(rich_help_panel=LOOK_AFTER)(restore)


@main.command(name="migrate", rich_help_panel=RUN)
def migrate_command() -> None:
    """Bring the database to the schema of this version.

    Example: conduit migrate
    """
    with one_line_errors():
        settings = load(Settings)
        configure_logging(settings)
        changed = asyncio.run(_migrate(compose_from(settings)))
    typer.echo(f"migrated {', '.join(changed)}" if changed else "the database is up to date", err=True)


@main.command(name="demo", rich_help_panel=RUN)
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
    with one_line_errors():
        # A commit need not survive the loss of power: half of a demonstration is of no use.
        settings = load(Settings).model_copy(update={"database_synchronous": "NORMAL"})
        configure_logging(settings)
        asyncio.run(require_migrated(compose_from(settings)))
        try:
            remarks = asyncio.run(_demonstrate(compose_from(settings), articles))
        except KeyboardInterrupt:
            fail(f"stopped half-way: {BEGIN_AGAIN}")
    for remark in remarks:
        typer.echo(remark, err=True)


@main.command(rich_help_panel=DEVELOP)
def openapi() -> None:
    """Print the API's OpenAPI document.

    Example: conduit openapi > openapi.json
    """
    with one_line_errors():
        # It is only looked at: nothing is stored and nothing signed, so that no file is made.
        unused = {"database_url": "sqlite+aiosqlite://", "secret_key": secrets.token_hex()}
        document = create_application(load(Settings).model_copy(update=unused)).openapi()
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


@main.command(rich_help_panel=DEVELOP)
def check(
    form: Annotated[Format, typer.Option("--format", help="How findings are told.")] = Format.TEXT,
    sources: Annotated[
        bool, typer.Option("--sources", help="Only what the text of the modules shows: faster.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Write the snapshots anew, of events, document and picture.")
    ] = False,
) -> None:
    """Check the architecture of the checkout in this folder.

    Example: conduit check --format github
    """
    checkout = _checkout()
    with one_line_errors(), uncollected():
        if update:
            for path in snapshots(checkout).write(checkout.root):
                typer.echo(f"wrote {path}", err=True)
        findings = list(check_sources(checkout)) if sources else check_everything(checkout)
    typer.echo(render(findings, form))
    if findings:
        raise typer.Exit(1)


@main.command(name="new-module", rich_help_panel=DEVELOP)
def new_module_command(
    name: Annotated[str, typer.Argument(help="What it is called: lower-case, as in reading_notes.")],
    plugin: Annotated[
        bool, typer.Option("--plugin", help="Write a distribution of its own into plugins/.")
    ] = False,
) -> None:
    """Write a small module that is complete, to begin from.

    Example: conduit new-module notes
    """
    checkout = _checkout()
    with one_line_errors():
        plan = plan_plugin(ModuleName(name)) if plugin else plan_in_tree(ModuleName(name))
        require_running(checkout)
        write_module(checkout, plan)
    typer.echo(plan.next_steps)


@main.command(name="modules", rich_help_panel=LOOK_AFTER)
def modules_command(
    form: Annotated[HouseFormat, typer.Option("--format", help="How they are told.")] = HouseFormat.TEXT,
) -> None:
    """Show the modules that are switched on.

    Example: conduit modules --format mermaid
    """
    with one_line_errors():
        settings = load(Settings)
        composition = compose_from(settings)
        shown = cards(composition, create_application(settings, composition))
    typer.echo(render_house(shown, form))


def _checkout() -> Checkout:
    checkout = Checkout(Path.cwd())
    if not (checkout.root / "importlinter.ini").exists():
        fail("this looks at a checkout: call it where importlinter.ini is")
    return checkout


async def _migrate(composition: Composition) -> list[str]:
    try:
        return list(await migrate(composition.database, composition.with_tables))
    finally:
        await composition.database.dispose()


async def _demonstrate(composition: Composition, articles: int) -> Sequence[str]:
    try:
        with shown_progress() as progress:
            demo = await demonstrate(composition, articles, progress)
    finally:
        await composition.database.dispose()
    return demo.remarks


if __name__ == "__main__":
    main()
