"""The command line."""

from functools import partial
from typing import Annotated

import typer

from conduit_app.commands.lazy_commands import ConduitCommands, add_command, add_missing_command
from conduit_app.devtools import PACKAGE, is_installed
from conduit_app.distribution import installed_version

main = typer.Typer(
    name="conduit",
    cls=ConduitCommands,
    help="The RealWorld blogging backend. conduit COMMAND --help shows details and an example.",
    # Wraps paragraphs to the width of the terminal.
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"conduit {installed_version()}")
        raise typer.Exit


@main.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Options of the program itself."""


# With the headings of the help.
run = partial(add_command, main, "Run")
operate = partial(add_command, main, "Operate")
develop = partial(add_command, main, "Develop")

run("serve", "conduit_app.commands.serve:serve", "Serve the API.")
run(
    "migrate",
    "conduit_app.commands.migrate:migrate_command",
    "Migrate the database to the schema of this version.",
)
run(
    "demo",
    "conduit_app.commands.demo:demo_command",
    "Fill an empty database with demo users, articles and comments.",
)
operate("backup", "conduit_app.commands.backup:backup", "Copy the database, also while the server runs.")
operate("restore", "conduit_app.commands.backup:restore", "Replace the database by a backup.")
operate(
    "after-restore",
    "conduit_app.commands.backup:after_restore",
    "Finish a restore that other tools have done, such as pg_restore, before Conduit serves again.",
)
operate(
    "doctor",
    "conduit_app.commands.doctor:doctor",
    "Check the database, stored counts and references.",
)
operate("config", "conduit_app.commands.config:config", "Print every setting in force and where it is from.")
operate("modules", "conduit_app.commands.modules:modules_command", "List the enabled modules.")
operate("events", "conduit_app.commands.events:events", "Inspect the outbox; retry or delete deliveries.")
operate(
    "maintenance", "conduit_app.commands.maintenance:maintenance", "Make the site read-only, and end that."
)
operate("jobs", "conduit_app.commands.jobs:jobs", "List the periodic jobs; run one now.")
develop("openapi", "conduit_app.commands.openapi:openapi", "Print the API's OpenAPI document.")
develop(
    "catalog",
    "conduit_app.commands.catalog:catalog",
    "Print the contracts and events of the enabled modules, with owners, versions and consumers.",
)
if is_installed():
    develop("check", f"{PACKAGE}.commands:check", "Check the architecture of a checkout, or of a plugin.")
    develop(
        "affected",
        f"{PACKAGE}.commands:affected",
        "Print the modules that a change affects, and the tests that can see it.",
    )
    develop(
        "new-module",
        f"{PACKAGE}.commands:new_module_command",
        "Generate a small, complete module to start from.",
    )
    develop(
        "new-migration",
        f"{PACKAGE}.commands:new_migration_command",
        "Generate an empty migration after the module's last one, in a checkout or in a plugin's folder.",
    )
else:
    for missing in ("check", "affected", "new-module", "new-migration"):
        add_missing_command(
            main,
            missing,
            "the development tools are not installed; in a checkout of Conduit, run: make setup",
        )


if __name__ == "__main__":
    main()
