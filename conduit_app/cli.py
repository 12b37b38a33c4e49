"""The command line."""

from pathlib import Path
from typing import Annotated

import typer

from conduit_app.checks.report import Format, render
from conduit_app.checks.running_rules import check_everything, snapshots
from conduit_app.checks.source import Checkout, uncollected
from conduit_app.checks.source_rules import check_sources
from conduit_app.commands.backup import backup, restore
from conduit_app.commands.demo import demo_command
from conduit_app.commands.errors import fail, one_line_errors
from conduit_app.commands.events import events
from conduit_app.commands.migrate import migrate_command
from conduit_app.commands.module_commands import ConduitCommands
from conduit_app.commands.modules import modules_command
from conduit_app.commands.openapi import openapi
from conduit_app.commands.serve import serve
from conduit_app.new_module.naming import ModuleName
from conduit_app.new_module.plan import plan_in_tree, plan_plugin
from conduit_app.new_module.writing import require_running, write_module

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
main.command(name="migrate", rich_help_panel=RUN)(migrate_command)
main.command(name="demo", rich_help_panel=RUN)(demo_command)
main.add_typer(events, name="events", rich_help_panel=LOOK_AFTER)
main.command(rich_help_panel=LOOK_AFTER)(backup)
main.command(rich_help_panel=LOOK_AFTER)(restore)
main.command(name="modules", rich_help_panel=LOOK_AFTER)(modules_command)
main.command(rich_help_panel=DEVELOP)(openapi)


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


def _checkout() -> Checkout:
    checkout = Checkout(Path.cwd())
    if not (checkout.root / "importlinter.ini").exists():
        fail("this looks at a checkout: call it where importlinter.ini is")
    return checkout


if __name__ == "__main__":
    main()
