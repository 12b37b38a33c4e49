"""`conduit check` reports every seeded violation, at its place and by the intended rule."""

import json
import shutil
from collections.abc import Sequence

import pytest

from conduit_devtools.checks.finding import RULES
from conduit_devtools.checks.runtime_checks import check_all
from conduit_devtools.checks.source import Checkout
from conduit_devtools.checks.static_checks import check_static
from tests.architecture.contract_violations import CONTRACT_VIOLATIONS, SUBSCRIPTION_VIOLATIONS
from tests.architecture.copied_tree import CopiedTree, ReportedFinding
from tests.architecture.purity_violations import PURITY_VIOLATIONS
from tests.architecture.violations import (
    CONTRACT_RULES,
    DYNAMIC_IMPORTS,
    OPENAPI_PART,
    RUNTIME_VIOLATIONS,
    STATIC_VIOLATIONS,
    STORAGE,
    Violation,
    independent_groups,
)

pytestmark = pytest.mark.slow

MODULES = ["users", "profiles", "articles", "comments"]
"""The modules, dependencies first."""

PAIRS = [(module, other) for module in MODULES for other in MODULES if module != other]
# Grouped, because each check of a copy takes a quarter of a second.
ALL_STATIC = [*STATIC_VIOLATIONS, *PURITY_VIOLATIONS, *CONTRACT_VIOLATIONS]
ALL_RUNTIME = [*RUNTIME_VIOLATIONS, *SUBSCRIPTION_VIOLATIONS]
STATIC_GROUPS = independent_groups(ALL_STATIC)
INTERNAL_LAYERS = ["domain", "infrastructure", "api", "demo", "container", "module"]


def rules(findings: Sequence[ReportedFinding]) -> set[str]:
    return {finding.rule for finding in findings}


def places(findings: Sequence[ReportedFinding], rule: str) -> set[tuple[str, int]]:
    return {finding.place for finding in findings if finding.rule == rule}


def seed(tree: CopiedTree, violation: Violation) -> int:
    """Write the violation into the copy, and return its line."""
    if violation.replaced:
        tree.replace(violation.file, violation.replaced, violation.code)
    else:
        tree.append(violation.file, violation.code)
    for file, text in violation.extra.items():
        tree.append(file, text)
    return tree.marked(violation.file)


def test_copy_runs_its_own_code(tree: CopiedTree) -> None:
    loaded = tree.run("-c", "import conduit_app, modules; print(conduit_app.__file__, modules.__file__)")
    assert loaded.stdout.split() == [
        str(tree.root / "conduit_app/__init__.py"),
        str(tree.root / "modules/__init__.py"),
    ]


def test_clean_tree_has_no_static_finding(pristine: CopiedTree) -> None:
    assert pristine.check_static() == []


def test_clean_tree_has_no_finding(pristine: CopiedTree) -> None:
    assert pristine.check() == []


@pytest.mark.parametrize("group", STATIC_GROUPS, ids=lambda group: group[0].name)
def test_static_violation_is_reported_at_its_line(tree: CopiedTree, group: Sequence[Violation]) -> None:
    lines = [seed(tree, violation) for violation in group]
    findings = tree.check_static()
    for violation, line in zip(group, lines, strict=True):
        file = violation.file
        in_file = [finding for finding in findings if finding.file == file]
        assert places(in_file, violation.rules[0]) == {(file, line)}, violation.name
        if violation.messages:
            messages = {finding.message for finding in in_file if finding.rule == violation.rules[0]}
            assert messages == set(violation.messages)
        assert rules(in_file) <= {rule for other in group if other.file == file for rule in other.rules}
    assert rules(findings) == {rule for violation in group for rule in violation.rules}


def test_violations_in_one_tree_are_all_reported(tree: CopiedTree) -> None:
    violations = [
        violation for violation in (*DYNAMIC_IMPORTS, *STORAGE, *CONTRACT_RULES) if not violation.replaced
    ]
    for violation in violations:
        seed(tree, violation)
    # In this process, so that coverage shows the branches without a violation.
    reported = {finding.rule.id for finding in check_static(Checkout(tree.root))}
    assert reported >= {rule for violation in violations for rule in violation.rules}


@pytest.mark.parametrize("violation", ALL_RUNTIME, ids=lambda violation: violation.name)
def test_runtime_violation_is_reported(tree: CopiedTree, violation: Violation) -> None:
    seed(tree, violation)
    findings = tree.check()
    assert rules(findings) == set(violation.rules)
    first = [finding for finding in findings if finding.rule == violation.rules[0]]
    assert {finding.file for finding in first} == {violation.reported_in or violation.file}
    if not violation.reported_in:
        assert [finding.line for finding in first] == [tree.marked(violation.file)]
    if violation.messages:
        assert {finding.message for finding in first} == set(violation.messages)


@pytest.mark.parametrize(("module", "other"), PAIRS)
def test_import_of_any_internal_layer_of_another_module_is_reported(
    tree: CopiedTree, module: str, other: str
) -> None:
    file = f"modules/{module}/domain/violation.py"
    tree.append(file, "".join(f"import modules.{other}.{layer}\n" for layer in INTERNAL_LAYERS))
    findings = tree.check_static()
    cycle = {"no-cycles"} if MODULES.index(module) < MODULES.index(other) else set()
    assert rules(findings) == {"boundary"} | cycle
    assert places(findings, "boundary") == {(file, line) for line in range(1, len(INTERNAL_LAYERS) + 1)}


def test_module_missing_in_codeowners_is_reported(tree: CopiedTree) -> None:
    tree.replace("CODEOWNERS", "/modules/comments/  @conduit/comments\n", "")
    assert rules(tree.check_static()) == {"codeowners"}


def test_outdated_snapshots_are_reported(tree: CopiedTree) -> None:
    committed = (tree.root / OPENAPI_PART).read_text(encoding="utf-8")
    document = json.loads(committed)
    del document["paths"]["/api/tags"]
    tree.replace(OPENAPI_PART, committed, json.dumps(document))
    tree.replace("docs/architecture.md", "    comments\n", "    remarks\n")
    # In this process, which has loaded the modules of the checkout; plugins would stay loaded.
    shutil.rmtree(tree.root / "plugins")
    assert [(finding.rule.id, finding.message) for finding in check_all(Checkout(tree.root))] == [
        ("openapi", "addition: /api/tags: path added"),
        ("architecture-docs", "docs/architecture.md does not match the modules"),
    ]


def test_every_rule_has_a_violation() -> None:
    seeded = {rule for violation in (*ALL_STATIC, *ALL_RUNTIME) for rule in violation.rules}
    # Others have tests of their own: plugin violations, compatibility, migrations, softened checks.
    elsewhere = {
        "plugin-contracts",
        "plugin-distribution",
        "breaking-change",
        "event-upcaster",
        "expand-step",
        "migration-phase",
        "released-revision",
        "softened-check",
    }
    assert seeded | elsewhere == set(RULES)
