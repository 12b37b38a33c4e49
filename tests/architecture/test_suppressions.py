"""Suppressions: the place that they cover, their reasons, and what the checks report about them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import RULES, Finding, Stage
from conduit_devtools.checks.outcome import Outcome
from conduit_devtools.checks.report import ReportFormat, render
from conduit_devtools.checks.source import Checkout
from conduit_devtools.checks.suppressions import new_suppressions, suppressions, unsuppressed
from tests.architecture.test_base import git

RULE = "raw-sql"
ALLOW = f"# conduit: allow {RULE}: a report of the operators"
FILE = Path("modules/notes/reader.py")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a checkout with one module."""
    for file in ("modules/notes/__init__.py", "modules/kernel/__init__.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return Checkout(tmp_path)


def reported(checkout: Checkout, source: str, line: int, *stages: Stage, rule: str = RULE) -> Sequence[str]:
    """Return the rules that are reported for the source if a rule has a finding on this line."""
    (checkout.root / FILE).write_text(source, encoding="utf-8")
    finding = Finding(RULES[rule], FILE, line, "")
    return [finding.rule.id for finding in unsuppressed(Checkout(checkout.root), [finding], stages)]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (f"ROWS = 1  {ALLOW}\n", 1),
        (f"{ALLOW}\nROWS = 1\n", 2),
        (f"{ALLOW}\n# Slow.\n\nROWS = 1\n", 4),
        (f"def rows() -> None:\n    {ALLOW}\n    return None\n", 3),
        (f"ROWS = 1  # noqa: S608 {ALLOW}\n", 1),
        (f"{ALLOW}\n", 1),
    ],
)
def test_comment_suppresses_its_line_or_the_next_one(checkout: Checkout, source: str, line: int) -> None:
    assert reported(checkout, source, line, Stage.SOURCES) == []


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (f"ROWS = 1  {ALLOW}\nMORE = 2\n", 2),
        (f"{ALLOW}\nROWS = 1\nMORE = 2\n", 3),
        (f'ROWS = """{ALLOW}"""\n', 1),
        (f"ROWS = 1  {ALLOW.replace(RULE, 'boundary')}\n", 1),
        ("ROWS = 1  # conduit: allow raw-sql\n", 1),
        ("ROWS = 1  # conduit: allow raw-sql:  \n", 1),
        ("ROWS = 1  # conduit: allow raw-sql, boundary: both\n", 1),
    ],
)
def test_other_comment_suppresses_nothing(checkout: Checkout, source: str, line: int) -> None:
    assert reported(checkout, source, line) == [RULE]


def test_module_that_cannot_be_imported_is_reported_in_spite_of_a_suppression(checkout: Checkout) -> None:
    source = "ROWS = 1  # conduit: allow importable: later\n"
    assert reported(checkout, source, 1, Stage.SOURCES, rule="importable") == ["importable", "suppression"]


def test_suppression_is_unused_only_if_its_rule_was_checked(checkout: Checkout) -> None:
    source = "ROWS = 1  # conduit: allow unchecked-column: a cache\n"
    assert reported(checkout, source, 2, Stage.SOURCES, rule="unchecked-column") == ["unchecked-column"]
    stages = (Stage.SOURCES, Stage.MODULES)
    assert reported(checkout, source, 2, *stages, rule="unchecked-column") == [
        "unchecked-column",
        "suppression",
    ]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("CODEOWNERS", f"/modules/notes/ @team  {ALLOW}"),
        ("importlinter.ini", f"[importlinter]\n{ALLOW}\nroot_packages = modules"),
        ("pyproject.toml", f"[tool.mypy]\n{ALLOW}\nstrict = false"),
        ("modules/notes/report.sql", f"SELECT 1 {ALLOW.replace('#', '--')}"),
    ],
)
def test_suppression_is_listed_from_every_kind_of_file(checkout: Checkout, file: str, text: str) -> None:
    (checkout.root / file).write_text(text, encoding="utf-8")
    [suppression] = suppressions(checkout)
    assert (suppression.rule, suppression.reason) == (RULE, "a report of the operators")
    assert suppression.file == Path(file)


def test_source_that_is_not_a_comment_is_no_suppression(checkout: Checkout) -> None:
    (checkout.root / FILE).write_text(f'TEXT = "{ALLOW}"\n', encoding="utf-8")
    assert suppressions(checkout) == []


@pytest.fixture
def repository(checkout: Checkout) -> Checkout:
    """Return a checkout whose base has one suppression, and that has a second one."""
    path = checkout.root / FILE
    path.write_text(f"ROWS = 1  {ALLOW}\n", encoding="utf-8")
    git(checkout.root, "init", "--quiet", "--initial-branch", "main")
    git(checkout.root, "add", ".")
    git(checkout.root, "commit", "--quiet", "--message", "First")
    path.write_text(
        f"# Moved.\nROWS = 1  {ALLOW}\nMORE = 2  # conduit: allow boundary: a fix\n", encoding="utf-8"
    )
    return checkout


def test_suppression_that_the_base_does_not_have_is_new(repository: Checkout) -> None:
    listed = suppressions(repository)
    new = new_suppressions(listed, Base.find(repository.root))
    assert [(suppression.rule, suppression in new) for suppression in listed] == [
        ("raw-sql", False),
        ("boundary", True),
    ]


def test_json_report_lists_all_suppressions_and_github_shows_the_new_ones(repository: Checkout) -> None:
    listed = suppressions(repository)
    outcome = Outcome([], suppressions=listed, new_suppressions=listed[1:])
    report = json.loads(render(outcome, ReportFormat.JSON))
    assert report["suppressions"][1] == {
        "rule": "boundary",
        "file": FILE.as_posix(),
        "line": 3,
        "reason": "a fix",
        "new": True,
    }
    assert [suppression["new"] for suppression in report["suppressions"]] == [False, True]
    assert render(outcome, ReportFormat.GITHUB) == (
        f"::notice file={FILE.as_posix()},line=3,title=suppression::New exception from boundary: a fix"
    )
