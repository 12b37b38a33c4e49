"""`python -m conduit_devtools.checks`: `conduit check --sources` without importing Conduit.

For editors, hooks and tests: importing the web framework and the database takes longer than the checks.
"""

import argparse
import sys
from pathlib import Path

from conduit_app.gc_paused import gc_paused
from conduit_devtools.checks.outcome import Outcome
from conduit_devtools.checks.owners import Owners
from conduit_devtools.checks.report import ReportFormat, fails, render
from conduit_devtools.checks.source import Checkout
from conduit_devtools.checks.static_checks import check_static


def main() -> int:
    """Run the static checks on the checkout in this folder; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m conduit_devtools.checks", description=main.__doc__)
    parser.add_argument(
        "--format", choices=[form.value for form in ReportFormat], default=ReportFormat.TEXT.value
    )
    form = ReportFormat(parser.parse_args().format)
    with gc_paused():
        findings = list(check_static(Checkout(Path.cwd())))
    sys.stdout.write(f"{render(Outcome(findings, Owners.read(Path.cwd())), form)}\n")
    return int(fails(findings))


if __name__ == "__main__":
    sys.exit(main())
