"""`conduit check` bites: every breach that is planted is found, where it is, by the rule that it breaks."""

import json
import shutil
from collections.abc import Sequence

import pytest

from conduit_devtools.checks.finding import RULES
from conduit_devtools.checks.runtime_checks import check_all
from conduit_devtools.checks.source import Checkout
from conduit_devtools.checks.static_checks import check_static
from tests.architecture.copied_tree import CopiedTree, Found
from tests.architecture.violations import (
    BY_NAME,
    EVERY_RUNNING_BREACH,
    EVERY_SOURCE_BREACH,
    PROMISES,
    STORAGE,
    Violation,
    apart,
)

pytestmark = pytest.mark.slow

IN_ORDER = ["users", "profiles", "articles", "comments"]
PAIRS = [(module, other) for module in IN_ORDER for other in IN_ORDER if module != other]
# Each tree that is looked at takes a quarter of a second, whatever is planted in it.
APART = apart(EVERY_SOURCE_BREACH)
CLOSED = ["domain", "infrastructure", "api", "demo", "container", "module"]


def rules(findings: Sequence[Found]) -> set[str]:
    return {finding.rule for finding in findings}


def places(findings: Sequence[Found], rule: str) -> set[tuple[str, int]]:
    return {finding.place for finding in findings if finding.rule == rule}


def plant(tree: CopiedTree, breach: Violation) -> int:
    """Make the mistake, and return the line that it is on."""
    if breach.instead_of:
        tree.replace(breach.file, breach.instead_of, breach.code)
    else:
        tree.append(breach.file, breach.code)
    for file, text in breach.beside.items():
        tree.append(file, text)
    return tree.marked(breach.file)


def test_what_is_checked_is_the_copy(tree: CopiedTree) -> None:
    loaded = tree.run("-c", "import conduit_app, modules; print(conduit_app.__file__, modules.__file__)")
    assert loaded.stdout.split() == [
        str(tree.root / "conduit_app/__init__.py"),
        str(tree.root / "modules/__init__.py"),
    ]


def test_the_text_of_a_clean_tree_gives_no_finding(pristine: CopiedTree) -> None:
    assert pristine.check_static() == []


def test_a_clean_tree_gives_no_finding(pristine: CopiedTree) -> None:
    assert pristine.check() == []


@pytest.mark.parametrize("together", APART, ids=lambda group: group[0].name)
def test_a_breach_in_the_text_is_found_where_it_is_and_by_its_rule(
    tree: CopiedTree, together: Sequence[Violation]
) -> None:
    lines = [plant(tree, breach) for breach in together]
    findings = tree.check_static()
    for breach, line in zip(together, lines, strict=True):
        here = [finding for finding in findings if finding.file == breach.file]
        assert places(here, breach.rules[0]) == {(breach.file, line)}, breach.name
        assert rules(here) <= {rule for one in together if one.file == breach.file for rule in one.rules}
    assert rules(findings) == {rule for breach in together for rule in breach.rules}


def test_breaches_do_not_hide_each_other(tree: CopiedTree) -> None:
    together = [breach for breach in (*BY_NAME, *STORAGE, *PROMISES) if not breach.instead_of]
    for breach in together:
        plant(tree, breach)
    # In this process, so that its coverage tells which branches no breach takes.
    found = {finding.rule.id for finding in check_static(Checkout(tree.root))}
    assert found >= {rule for breach in together for rule in breach.rules}


@pytest.mark.parametrize("breach", EVERY_RUNNING_BREACH, ids=lambda breach: breach.name)
def test_a_breach_that_shows_when_run_is_found_by_its_rule(tree: CopiedTree, breach: Violation) -> None:
    plant(tree, breach)
    findings = tree.check()
    assert rules(findings) == set(breach.rules)
    first = [finding for finding in findings if finding.rule == breach.rules[0]]
    assert {finding.file for finding in first} == {breach.found_in or breach.file}
    if not breach.found_in:
        assert [finding.line for finding in first] == [tree.marked(breach.file)]
    if breach.told:
        assert {finding.message for finding in first} == set(breach.told)


@pytest.mark.parametrize(("module", "other"), PAIRS)
def test_no_module_enters_any_room_of_another(tree: CopiedTree, module: str, other: str) -> None:
    file = f"modules/{module}/domain/trespass.py"
    tree.append(file, "".join(f"import modules.{other}.{room}\n" for room in CLOSED))
    findings = tree.check_static()
    circle = {"no-cycles"} if IN_ORDER.index(module) < IN_ORDER.index(other) else set()
    assert rules(findings) == {"boundary"} | circle
    assert places(findings, "boundary") == {(file, line) for line in range(1, len(CLOSED) + 1)}


def test_a_module_that_codeowners_does_not_list_is_found(tree: CopiedTree) -> None:
    tree.replace("CODEOWNERS", "/modules/comments/  @conduit/comments\n", "")
    assert rules(tree.check_static()) == {"codeowners"}


def test_a_plugin_without_contracts_of_its_own_is_found(tree: CopiedTree) -> None:
    tree.remove("plugins/bookmarks/importlinter.ini")
    assert rules(tree.check_static()) == {"plugin-contracts"}


def test_what_is_committed_is_held_against_what_runs(tree: CopiedTree) -> None:
    committed = (tree.root / "docs/openapi.json").read_text(encoding="utf-8")
    document = json.loads(committed)
    del document["paths"]["/api/tags"]
    tree.replace("docs/openapi.json", committed, json.dumps(document))
    tree.replace("docs/architecture.md", "    comments\n", "    remarks\n")
    # In this process, which has the modules of the checkout loaded; a plugin would stay loaded in it.
    shutil.rmtree(tree.root / "plugins")
    assert [(finding.rule.id, finding.message) for finding in check_all(Checkout(tree.root))] == [
        ("openapi", "addition: /api/tags: path added"),
        ("architecture-docs", "docs/architecture.md does not show the modules as they are"),
    ]


def test_there_is_a_breach_of_every_rule() -> None:
    planted = [*EVERY_SOURCE_BREACH, *EVERY_RUNNING_BREACH]
    assert {rule for breach in planted for rule in breach.rules} | {"plugin-contracts"} == set(RULES)
