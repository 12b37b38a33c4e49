"""The checks that compare the checkout with the base of a change."""

from collections.abc import Iterator

from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.migration_files import check_released_revisions
from conduit_devtools.checks.owners import check_moved_owners
from conduit_devtools.checks.phases import check_phases
from conduit_devtools.checks.softened import check_softened
from conduit_devtools.checks.source import Checkout


def check_against(checkout: Checkout, base: Base) -> Iterator[Finding]:
    """Yield the findings on what the change does to the base: nothing is imported or run."""
    yield from check_softened(checkout, base)
    yield from check_moved_owners(checkout, base)
    yield from check_released_revisions(checkout, base)
    yield from check_phases(checkout, base)
