"""The static checks: they read the source of a checkout, and neither import nor run it."""

from collections.abc import Iterable, Iterator, Sequence

from conduit_devtools.checks.built_with import check_versions
from conduit_devtools.checks.contract_access import check_contract_access
from conduit_devtools.checks.contract_types import check_contract_types
from conduit_devtools.checks.contracts import check_contracts
from conduit_devtools.checks.distributions import check_distributions
from conduit_devtools.checks.dynamic_imports import check_dynamic_imports
from conduit_devtools.checks.finding import RULES, UNREADABLE, Finding, Stage
from conduit_devtools.checks.imports import check_imports
from conduit_devtools.checks.layout import check_layout
from conduit_devtools.checks.merge_conflicts import check_merge_conflicts
from conduit_devtools.checks.migration_files import check_conflicting_revisions
from conduit_devtools.checks.owners import check_owners
from conduit_devtools.checks.purity import check_purity
from conduit_devtools.checks.source import Checkout
from conduit_devtools.checks.suppressions import unsuppressed
from conduit_devtools.checks.tables import check_tables
from conduit_devtools.checks.transactions import check_transactions


def check_static(checkout: Checkout) -> Iterator[Finding]:
    """Yield every static finding without a suppression. Files that cannot be read are reported alone."""
    findings = list(static_findings(checkout))
    readable = not any(finding.rule.id in UNREADABLE for finding in findings)
    yield from unsuppressed(checkout, findings, {Stage.SOURCES}) if readable else findings


def static_findings(checkout: Checkout) -> Iterator[Finding]:
    """Yield what `check_static` does, and what suppressions allow."""
    unreadable = [*check_merge_conflicts(checkout), *_unparsable(checkout)]
    if unreadable:
        yield from unreadable
        return
    imports = list(check_imports(checkout))
    yield from imports
    # An import is reported once.
    reported = {(finding.file, finding.line) for finding in imports}
    yield from (finding for finding in check_purity(checkout) if (finding.file, finding.line) not in reported)
    yield from check_layout(checkout)
    yield from check_dynamic_imports(checkout)
    yield from check_tables(checkout)
    yield from check_contracts(checkout)
    yield from check_contract_types(checkout)
    yield from check_contract_access(checkout)
    yield from check_versions(checkout)
    yield from check_conflicting_revisions(checkout)
    yield from check_transactions(checkout)
    yield from check_distributions(checkout)
    if not checkout.is_plugin:
        yield from check_owners(checkout)


def own_findings(checkout: Checkout, findings: Iterable[Finding]) -> Sequence[Finding]:
    """Return the findings on files of the checkout: those on the installed modules are not a plugin's."""
    return [f for f in findings if not checkout.is_plugin or (checkout.root / f.file).exists()]


def _unparsable(checkout: Checkout) -> Iterator[Finding]:
    for package in checkout.packages:
        for file in package.files:
            try:
                _ = file.tree
            except SyntaxError as error:
                yield Finding(RULES["importable"], file.relative, error.lineno or 1, f"{error.msg}")
            except ValueError as error:
                yield Finding(RULES["importable"], file.relative, 1, f"{error}")
