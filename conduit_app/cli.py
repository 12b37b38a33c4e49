"""The command line."""

import typer

from conduit_app.commands.backup import after_restore, backup, restore
from conduit_app.commands.demo import demo_command
from conduit_app.commands.devtools_commands import add_devtools_command
from conduit_app.commands.doctor import doctor
from conduit_app.commands.events import events
from conduit_app.commands.migrate import migrate_command
from conduit_app.commands.module_commands import ConduitCommands
from conduit_app.commands.modules import modules_command
from conduit_app.commands.openapi import openapi
from conduit_app.commands.serve import serve

main = typer.Typer(
    name="conduit",
    cls=ConduitCommands,
    help="The RealWorld blogging backend. `conduit COMMAND --help` shows details and an example.",
    no_args_is_help=True,
    # Wraps paragraphs to the width of the terminal.
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
# The headings of the help.
RUN, OPERATE, DEVELOP = "Run", "Operate", "Develop"

main.command(rich_help_panel=RUN)(serve)
main.command(name="migrate", rich_help_panel=RUN)(migrate_command)
main.command(name="demo", rich_help_panel=RUN)(demo_command)
main.add_typer(events, name="events", rich_help_panel=OPERATE)
main.command(rich_help_panel=OPERATE)(backup)
main.command(rich_help_panel=OPERATE)(restore)
main.command(name="after-restore", rich_help_panel=OPERATE)(after_restore)
main.command(rich_help_panel=OPERATE)(doctor)
main.command(name="modules", rich_help_panel=OPERATE)(modules_command)
main.command(rich_help_panel=DEVELOP)(openapi)
# Imported on use: a production install does not have them.
add_devtools_command(main, "check", "Check the architecture of the checkout in this folder.", DEVELOP)
add_devtools_command(main, "new-module", "Generate a small, complete module to start from.", DEVELOP)


if __name__ == "__main__":
    main()
