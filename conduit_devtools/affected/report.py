"""The report of `conduit affected`."""

import json
from enum import Enum

from conduit_devtools.affected.selection import Affected


class AffectedFormat(Enum):
    """Plain text, JSON, or the paths of tests and plugins for `make test-affected`."""

    TEXT = "text"
    JSON = "json"
    TESTS = "tests"


def render_affected(affected: Affected, form: AffectedFormat) -> str:
    """Return the report."""
    tests = [path.as_posix() for path in affected.tests]
    if form is AffectedFormat.JSON:
        fields = {
            "modules": affected.modules,
            "everything": [path.as_posix() for path in affected.everything],
            "tests": tests,
            "plugins": affected.plugins,
        }
        return json.dumps(fields, indent=2)
    if form is AffectedFormat.TESTS:
        return "\n".join([*tests, *(f"plugins/{plugin}" for plugin in affected.plugins)])
    return summary(affected)


def summary(affected: Affected) -> str:
    """Return the affected modules with their reasons, and the number of tests."""
    if affected.everything:
        return f"everything: {affected.everything[0]} is changed\nall tests"
    width = max(map(len, affected.modules), default=0)
    lines = [f"{name:<{width}}  {reason}" for name, reason in affected.modules.items()]
    plugins = f", and the tests of {', '.join(affected.plugins)}" if affected.plugins else ""
    return "\n".join([*lines, f"{len(affected.tests)} of {affected.test_count} test files{plugins}"])
