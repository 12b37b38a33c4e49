"""`python -m conduit_app.checks`: what `conduit check --sources` finds, without loading Conduit itself.

For editors, hooks and tests: loading the web framework and the database takes longer than looking.
"""

from pathlib import Path
from typing import Annotated

import typer

from conduit_app.checks.report import Format, render
from conduit_app.checks.source import Checkout
from conduit_app.checks.source_rules import check_sources


def check(
    form: Annotated[Format, typer.Option("--format", help="How findings are told.")] = Format.TEXT,
) -> None:
    """Check the text of the checkout in this folder. Example: python -m conduit_app.checks."""
    findings = list(check_sources(Checkout(Path.cwd())))
    typer.echo(render(findings, form))
    raise typer.Exit(bool(findings))


if __name__ == "__main__":
    typer.run(check)
