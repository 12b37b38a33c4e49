"""What `conduit check` says: to a person, to a program, to GitHub, and to whoever reads the exit code."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conduit_app.cli import main
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.report import Format, render
from tests.architecture.copied_tree import SOURCES, WHOLE, CopiedTree

RAW_SQL = RULES["raw-sql"]
FOUND = Finding(RAW_SQL, Path("modules/articles/reader.py"), 7, "articles names users_account")
PLANTED = ("modules/articles/domain/reading.py", '\nNAMES = "SELECT username FROM users_account"  # breach\n')


def test_a_person_reads_where_what_why_and_what_to_do_instead() -> None:
    assert render([FOUND], Format.TEXT).splitlines() == [
        "modules/articles/reader.py:7: raw-sql: articles names users_account",
        f"    why: {RAW_SQL.why}",
        f"    instead: {RAW_SQL.fix}",
    ]


def test_findings_are_paragraphs_to_a_person() -> None:
    assert render([FOUND, FOUND], Format.TEXT).count("\n\n") == 1


def test_a_program_reads_the_same() -> None:
    assert json.loads(render([FOUND], Format.JSON)) == {
        "findings": [
            {
                "rule": "raw-sql",
                "file": "modules/articles/reader.py",
                "line": 7,
                "message": "articles names users_account",
                "why": RAW_SQL.why,
                "instead": RAW_SQL.fix,
            }
        ]
    }


def test_github_shows_it_beside_the_line() -> None:
    assert render([FOUND], Format.GITHUB) == (
        "::error file=modules/articles/reader.py,line=7,title=raw-sql::"
        f"articles names users_account. Why: {RAW_SQL.why}. Instead: {RAW_SQL.fix}."
    )


def test_github_reads_a_message_of_several_lines_as_one() -> None:
    [line] = render([replace(FOUND, message="100%\r\nsure")], Format.GITHUB).splitlines()
    assert line.startswith("::error file=modules/articles/reader.py,line=7,title=raw-sql::100%25%0D%0Asure.")


def test_github_is_not_misled_by_the_name_of_a_file() -> None:
    annotation = render([replace(FOUND, file=Path("a,line=1:b%.py"))], Format.GITHUB)
    assert annotation.startswith("::error file=a%2Cline=1%3Ab%25.py,line=7,")


@pytest.mark.parametrize(
    ("form", "said"),
    [(Format.TEXT, "the architecture holds"), (Format.JSON, '{\n  "findings": []\n}'), (Format.GITHUB, "")],
    ids=lambda value: value.value if isinstance(value, Format) else "",
)
def test_where_there_is_nothing_to_find_each_form_says_so(form: Format, said: str) -> None:
    assert render([], form) == said


def test_a_rules_reason_and_advice_leave_the_full_stop_to_the_report() -> None:
    assert [rule.id for rule in RULES.values() if rule.why.endswith(".") or rule.fix.endswith(".")] == []


def test_the_exit_code_of_a_clean_tree_is_0(pristine: CopiedTree) -> None:
    ended = pristine.run(*SOURCES)
    assert (ended.returncode, ended.stdout) == (0, "the architecture holds\n")


@pytest.mark.slow
def test_the_exit_code_of_a_breach_is_1(tree: CopiedTree) -> None:
    tree.append(*PLANTED)
    ended = tree.run(*SOURCES, "--format", "github")
    assert ended.returncode == 1
    assert ended.stdout.startswith(
        f"::error file={PLANTED[0]},line={tree.marked(PLANTED[0])},title=raw-sql::"
    )


def test_the_program_finds_in_the_text_what_its_small_entry_finds(
    tree: CopiedTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.append(*PLANTED)
    monkeypatch.chdir(tree.root)
    ended = CliRunner().invoke(main, ["check", "--sources", "--format", "json"])
    assert ended.exit_code == 1
    assert [one["rule"] for one in json.loads(ended.stdout)["findings"]] == ["raw-sql"]


def test_the_small_entry_loads_neither_the_web_framework_nor_the_database(pristine: CopiedTree) -> None:
    heavy = ["fastapi", "pydantic", "sqlalchemy", "alembic", "uvicorn"]
    loaded = f"[name for name in {heavy} if name in sys.modules]"
    command = f"import sys, conduit_devtools.checks.__main__; print({loaded})"
    assert pristine.run("-c", command).stdout == "[]\n"


def test_outside_of_a_checkout_there_is_nothing_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(main, ["check"])
    assert ended.exit_code == 1
    assert "call it where importlinter.ini is" in ended.stderr


@pytest.mark.slow
def test_what_is_meant_is_written_down_and_found_no_more(tree: CopiedTree) -> None:
    tree.replace(
        "modules/articles/contracts.py", "    article_id: int\n", "    article_id: int\n    slug: str\n"
    )
    tree.replace("modules/articles/api/router.py", '@router.get("/tags",', '@router.get("/labels",')
    ended = tree.run(*WHOLE, "--update")
    assert ended.stderr.splitlines() == [
        "wrote modules/articles/events.json",
        "wrote docs/openapi.json",
        "wrote docs/architecture.md",
    ]
    assert (ended.returncode, ended.stdout) == (0, "the architecture holds\n")
