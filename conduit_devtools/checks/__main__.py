"""`python -m conduit_devtools.checks`: what `conduit check --sources` finds, without loading Conduit itself.

For editors, hooks and tests: loading the web framework and the database takes longer than looking.
"""

import argparse
import sys
from pathlib import Path

from conduit_devtools.checks.report import Format, render
from conduit_devtools.checks.source import Checkout, uncollected
from conduit_devtools.checks.static_checks import check_static


def main() -> int:
    """Check the text of the checkout in this folder; return the exit code."""
    arguments = argparse.ArgumentParser(prog="python -m conduit_devtools.checks", description=main.__doc__)
    arguments.add_argument("--format", choices=[form.value for form in Format], default=Format.TEXT.value)
    form = Format(arguments.parse_args().format)
    with uncollected():
        findings = list(check_static(Checkout(Path.cwd())))
    sys.stdout.write(f"{render(findings, form)}\n")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
