"""Checks the text of one tree after another, as `python -m conduit_app.checks` does with one.

A process of its own, which knows nothing of the tests but folders, and has import-linter loaded: that
takes longer than looking, and there are many trees to look at.
"""

import json
import sys
from pathlib import Path
from traceback import format_exc

from conduit_app.checks.report import Format, render
from conduit_app.checks.source import Checkout, uncollected
from conduit_app.checks.source_rules import check_sources


def main() -> None:
    """Read a folder from each line of standard input, and write its findings as one line of JSON."""
    # import-linter looks for packages as an import would: it must not find the one that is loaded.
    del sys.modules["conduit_app"]
    for line in sys.stdin:
        try:
            with uncollected():
                findings = list(check_sources(Checkout(Path(line.rstrip("\n")))))
            report = json.loads(render(findings, Format.JSON))
        except Exception:
            report = {"raised": format_exc()}
        sys.stdout.write(f"{json.dumps(report)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
