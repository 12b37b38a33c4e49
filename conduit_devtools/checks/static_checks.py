"""The static checks: they read the source of a checkout, and neither import nor run it."""

from collections.abc import Iterator

from conduit_devtools.checks.contracts import check_contracts
from conduit_devtools.checks.distributions import check_distributions
from conduit_devtools.checks.dynamic_imports import check_dynamic_imports
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.imports import check_imports
from conduit_devtools.checks.layout import check_layout
from conduit_devtools.checks.owners import check_owners
from conduit_devtools.checks.source import Checkout
from conduit_devtools.checks.tables import check_tables


def check_static(checkout: Checkout) -> Iterator[Finding]:
    """Yield every static finding. Files that cannot be parsed are reported alone."""
    unparsable = list(_unparsable(checkout))
    if unparsable:
        yield from unparsable
        return
    yield from check_imports(checkout)
    yield from check_layout(checkout)
    yield from check_dynamic_imports(checkout)
    yield from check_tables(checkout)
    yield from check_contracts(checkout)
    yield from check_distributions(checkout)
    if not checkout.is_plugin:
        yield from check_owners(checkout)


def _unparsable(checkout: Checkout) -> Iterator[Finding]:
    for package in checkout.packages:
        for file in package.files:
            try:
                _ = file.tree
            except SyntaxError as error:
                yield Finding(RULES["importable"], file.relative, error.lineno or 1, f"{error.msg}")
            except ValueError as error:
                yield Finding(RULES["importable"], file.relative, 1, f"{error}")
