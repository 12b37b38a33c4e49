"""`conduit check` and `conduit new-module`: conduit_app/cli.py imports them when they are called."""

from pathlib import Path
from typing import Annotated

import typer

from conduit_app.commands.errors import fail, reporting_errors
from conduit_devtools.checks.report import Format, render
from conduit_devtools.checks.runtime_checks import check_all, snapshots
from conduit_devtools.checks.source import Checkout, uncollected
from conduit_devtools.checks.static_checks import check_static
from conduit_devtools.scaffold.naming import ModuleName, ModuleRefused
from conduit_devtools.scaffold.plan import plan_in_tree, plan_plugin
from conduit_devtools.scaffold.writing import require_running, write_module

commands = typer.Typer(rich_markup_mode="markdown")


@commands.command()
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
    with reporting_errors(), uncollected():
        if update:
            for path in snapshots(checkout).write(checkout.root):
                typer.echo(f"wrote {path}", err=True)
        findings = list(check_static(checkout)) if sources else check_all(checkout)
    typer.echo(render(findings, form))
    if findings:
        raise typer.Exit(1)


@commands.command(name="new-module")
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
    with reporting_errors():
        try:
            plan = plan_plugin(ModuleName(name)) if plugin else plan_in_tree(ModuleName(name))
            require_running(checkout)
            write_module(checkout, plan)
        except ModuleRefused as error:
            fail(str(error))
    typer.echo(plan.next_steps)


def _checkout() -> Checkout:
    checkout = Checkout(Path.cwd())
    if not (checkout.root / "importlinter.ini").exists():
        fail("this looks at a checkout: call it where importlinter.ini is")
    return checkout
