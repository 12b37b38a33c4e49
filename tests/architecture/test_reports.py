"""The output of `conduit check`: reports in three formats, the exit code, updated snapshots."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conduit_app.cli import main
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.outcome import Outcome
from conduit_devtools.checks.report import ReportFormat, render
from modules.comments import contracts as comments
from modules.profiles import contracts as profiles
from tests.architecture.copied_tree import FULL_CHECK, STATIC_CHECK, CopiedTree
from tests.architecture.test_base import git

RAW_SQL = RULES["raw-sql"]
FINDING = Finding(RAW_SQL, Path("modules/articles/reader.py"), 7, "articles names users_account")
RAW_SQL_VIOLATION = (
    "modules/articles/domain/reading.py",
    '\nNAMES = "SELECT username FROM users_account"  # seeded\n',
)


def test_text_report_has_place_message_reason_and_fix() -> None:
    assert render(Outcome([FINDING]), ReportFormat.TEXT).splitlines() == [
        "modules/articles/reader.py:7: raw-sql: articles names users_account",
        f"    why: {RAW_SQL.why}",
        f"    fix: {RAW_SQL.fix}",
    ]


def test_text_report_separates_findings_by_blank_lines() -> None:
    assert render(Outcome([FINDING, FINDING]), ReportFormat.TEXT).count("\n\n") == 1


def test_json_report_has_place_message_reason_and_fix() -> None:
    assert json.loads(render(Outcome([FINDING]), ReportFormat.JSON)) == {
        "findings": [
            {
                "rule": "raw-sql",
                "level": "error",
                "file": "modules/articles/reader.py",
                "line": 7,
                "message": "articles names users_account",
                "why": RAW_SQL.why,
                "fix": RAW_SQL.fix,
                "owner": "",
                "ask": "",
            }
        ],
        "suppressions": [],
    }


def test_github_report_is_an_annotation_of_the_line() -> None:
    assert render(Outcome([FINDING]), ReportFormat.GITHUB) == (
        "::error file=modules/articles/reader.py,line=7,title=raw-sql::"
        f"articles names users_account. Why: {RAW_SQL.why}. Fix: {RAW_SQL.fix}."
    )


def test_github_report_escapes_line_breaks_and_percent_signs() -> None:
    [line] = render(Outcome([replace(FINDING, message="100%\r\nsure")]), ReportFormat.GITHUB).splitlines()
    assert line.startswith("::error file=modules/articles/reader.py,line=7,title=raw-sql::100%25%0D%0Asure.")


def test_github_report_escapes_file_names() -> None:
    annotation = render(Outcome([replace(FINDING, file=Path("a,line=1:b%.py"))]), ReportFormat.GITHUB)
    assert annotation.startswith("::error file=a%2Cline=1%3Ab%25.py,line=7,")


@pytest.mark.parametrize(
    ("form", "report"),
    [
        (ReportFormat.TEXT, "architecture check passed"),
        (ReportFormat.JSON, '{\n  "findings": [],\n  "suppressions": []\n}'),
        (ReportFormat.GITHUB, ""),
    ],
    ids=lambda value: value.value if isinstance(value, ReportFormat) else "",
)
def test_report_without_findings(form: ReportFormat, report: str) -> None:
    assert render(Outcome([]), form) == report


def test_reasons_and_fixes_have_no_full_stop() -> None:
    assert [rule.id for rule in RULES.values() if rule.why.endswith(".") or rule.fix.endswith(".")] == []


def test_exit_code_of_a_clean_tree_is_0(pristine: CopiedTree) -> None:
    completed = pristine.run(*STATIC_CHECK)
    assert (completed.returncode, completed.stdout) == (0, "architecture check passed\n")


@pytest.mark.slow
def test_exit_code_of_a_violation_is_1(tree: CopiedTree) -> None:
    tree.append(*RAW_SQL_VIOLATION)
    completed = tree.run(*STATIC_CHECK, "--format", "github")
    assert completed.returncode == 1
    assert completed.stdout.startswith(
        f"::error file={RAW_SQL_VIOLATION[0]},line={tree.marked(RAW_SQL_VIOLATION[0])},title=raw-sql::"
    )


def test_sources_option_reports_static_findings(tree: CopiedTree) -> None:
    tree.append(*RAW_SQL_VIOLATION)
    # In a process of its own: under coverage, the thread of import-linter's progress bar made this one hang.
    completed = tree.run("-m", "conduit_app.cli", "check", "--sources", "--format", "json")
    assert completed.returncode == 1
    assert [finding["rule"] for finding in json.loads(completed.stdout)["findings"]] == ["raw-sql"]
    # On standard error: the report has a format.
    assert re.search(
        r"^checked imports, layout, tables, contracts, owners of \d+ Python files in \d+\.\d s: kernel, .*\n",
        completed.stderr,
        re.MULTILINE,
    )


def test_static_check_imports_neither_web_framework_nor_database(pristine: CopiedTree) -> None:
    heavy = ["fastapi", "pydantic", "sqlalchemy", "alembic", "uvicorn"]
    loaded = f"[name for name in {heavy} if name in sys.modules]"
    command = f"import sys, conduit_devtools.checks.__main__; print({loaded})"
    assert pristine.run("-c", command).stdout == "[]\n"


def test_check_fails_outside_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    completed = CliRunner().invoke(main, ["check"])
    assert completed.exit_code == 1
    assert "is neither a checkout of Conduit nor a plugin: it has no pyproject.toml" in completed.stderr


@pytest.mark.slow
def test_update_regenerates_files_with_conflict_markers(tree: CopiedTree) -> None:
    both = "<<<<<<< HEAD\n{0}=======\n{0}>>>>>>> topic\n"
    for file, line in {
        "modules/articles/openapi.json": '  "paths": {\n',
        "docs/architecture.md": "    articles\n",
    }.items():
        tree.replace(file, line, both.format(line))
    completed = tree.run(*FULL_CHECK)
    assert completed.returncode == 1
    assert (
        completed.stdout.count(" merge-conflict: ") == completed.stdout.count("conduit check --update") == 2
    )
    assert tree.run(*FULL_CHECK, "--update").stdout == "architecture check passed\n"


@pytest.mark.slow
def test_update_writes_the_snapshots(tree: CopiedTree) -> None:
    tree.replace("modules/articles/api/router.py", '@router.get("/tags",', '@router.get("/labels",')
    completed = tree.run(*FULL_CHECK, "--update")
    *wrote, checked, _ = completed.stderr.splitlines()
    assert wrote == [
        "not compared with a base: tree is not the root of a git repository",
        "wrote modules/articles/openapi.json",
        "wrote modules/articles/README.md",
    ]
    assert "owners, wiring, migrations, OpenAPI document, snapshots of " in checked
    assert (completed.returncode, completed.stdout) == (0, "architecture check passed\n")


def test_warning_does_not_fail_the_check(tree: CopiedTree) -> None:
    tree.append("modules/articles/module.py", '\nModule(offers={ArticleEdited: "directory"})\n')
    completed = tree.run(*STATIC_CHECK)
    assert completed.returncode == 0
    assert "unneeded-contract (warning): no module or plugin of this checkout needs" in completed.stdout


@pytest.mark.slow
def test_update_raises_minor_versions_and_accepts_no_breaking_change(tree: CopiedTree) -> None:
    git(tree.root, "init", "--quiet", "--initial-branch", "main")
    git(tree.root, "add", "--force", ".")
    git(tree.root, "commit", "--quiet", "--message", "Base")
    tree.append("modules/profiles/contracts.py", "\n\nMAX_PROFILES = 500\n")
    tree.replace(
        "modules/comments/contracts.py",
        "    article_id: int\n    comment_id: int\n",
        "    comment_id: int\n    article_id: int\n",
    )
    completed = tree.run(*FULL_CHECK, "--update", "--format", "json")
    assert "wrote modules/profiles/contracts.py" in completed.stderr
    assert "wrote modules/comments" not in completed.stderr
    report = json.loads(completed.stdout)
    major, _, minor = profiles.CONTRACT_VERSION.partition(".")
    assert [(module["module"], module["verdict"], module["contract"]) for module in report["modules"]] == [
        ("comments", "breaking", comments.CONTRACT_VERSION),
        ("profiles", "additive", f"{major}.{int(minor) + 1}"),
    ]
    assert [(finding["rule"], finding["file"]) for finding in report["findings"]] == [
        ("breaking-change", "modules/comments/contracts.py"),
        ("contract-version", "modules/comments/contracts.py"),
    ]
    assert completed.returncode == 1
