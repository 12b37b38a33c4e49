"""The owners of files and findings, by CODEOWNERS and the manifests."""

import json
from pathlib import Path
from typing import Any

import pytest

from conduit_devtools.checks.finding import RULES, Finding, Level
from conduit_devtools.checks.outcome import Outcome
from conduit_devtools.checks.owners import Owners
from conduit_devtools.checks.report import ReportFormat, render
from conduit_devtools.checks.source import Checkout
from conduit_devtools.checks.suppressions import Suppression
from tests.architecture.copied_tree import CopiedTree

OWNERS = Owners.parse("""
*                    @conduit/architecture
/modules/users/      @conduit/users
/modules/articles/   @conduit/articles  # and nobody else
/modules/comments/
*.sql                @conduit/database jake@example.com
""")
BORROWED = Finding(
    RULES["raw-sql"], Path("modules/articles/reader.py"), 7, "articles names users_account", "users"
)
OUTCOME = Outcome([BORROWED], OWNERS, [Suppression("boundary", "a fix", Path("modules/a b.py"), 3, 3)])


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README.md", ["@conduit/architecture"]),
        ("modules/users/domain/account.py", ["@conduit/users"]),
        ("modules/comments/module.py", []),
        ("modules/articles/rows.sql", ["@conduit/database", "jake@example.com"]),
    ],
)
def test_last_matching_line_decides(path: str, owners: list[str]) -> None:
    assert list(OWNERS.of(Path(path))) == owners


def test_text_report_names_the_owner_and_whom_to_ask() -> None:
    assert render(OUTCOME, ReportFormat.TEXT).splitlines()[3:] == [
        "    owner: @conduit/articles",
        "    ask: @conduit/users",
    ]


def test_json_report_names_the_owner_and_whom_to_ask() -> None:
    [finding] = json.loads(render(OUTCOME, ReportFormat.JSON))["findings"]
    assert (finding["owner"], finding["ask"]) == ("@conduit/articles", "@conduit/users")


def test_github_report_names_the_owner_and_whom_to_ask() -> None:
    annotation = render(OUTCOME, ReportFormat.GITHUB)
    assert annotation.endswith("%0Aowner: @conduit/articles%0Aask: @conduit/users")


def test_owner_is_not_told_to_ask_itself() -> None:
    own = Finding(RULES["raw-sql"], Path("modules/users/reader.py"), 7, "", "users")
    assert "ask:" not in render(Outcome([own], OWNERS), ReportFormat.TEXT)


class TestSarif:
    @pytest.fixture
    def log(self) -> Any:
        return json.loads(render(OUTCOME, ReportFormat.SARIF))

    def test_log_has_what_the_specification_requires(self, log: Any) -> None:
        # SARIF 2.1.0: 3.13 log, 3.14 run, 3.18 tool, 3.19 driver, 3.27 result, 3.11 message.
        assert log["version"] == "2.1.0"
        assert log["$schema"].endswith("/sarif-schema-2.1.0.json")
        [run] = log["runs"]
        driver = run["tool"]["driver"]
        assert driver["name"] == "conduit check"
        [result] = run["results"]
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "raw-sql"
        assert result["message"] == {"text": "articles names users_account"}
        assert result["level"] in {level.value for level in Level} <= {"none", "note", "warning", "error"}

    def test_result_has_its_place_and_owner(self, log: Any) -> None:
        [result] = log["runs"][0]["results"]
        assert result["locations"] == [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "modules/articles/reader.py", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 7},
                }
            }
        ]
        assert result["properties"] == {"owner": "@conduit/articles", "ask": "@conduit/users"}

    def test_exceptions_are_notifications(self, log: Any) -> None:
        [invocation] = log["runs"][0]["invocations"]
        [notification] = invocation["toolExecutionNotifications"]
        assert invocation["executionSuccessful"] is True
        assert notification["message"] == {"text": "exception from boundary: a fix"}
        # 3.4.3: a URI, not a path.
        place = notification["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place["uri"] == "modules/a%20b.py"

    def test_log_without_findings_has_a_run(self) -> None:
        [run] = json.loads(render(Outcome([]), ReportFormat.SARIF))["runs"]
        assert run["results"] == run["tool"]["driver"]["rules"] == []


@pytest.mark.slow
class TestManifests:
    """The owner of a module is the one in its manifest, whatever line of CODEOWNERS decides."""

    def messages(self, tree: CopiedTree) -> set[str]:
        # A line that is appended is not sorted, either.
        findings = [finding for finding in tree.check_static() if finding.rule != "codeowners-order"]
        assert {finding.rule for finding in findings} == {"codeowners"}
        return {finding.message for finding in findings}

    def test_catch_all_takes_over_every_module(self, tree: CopiedTree) -> None:
        tree.append("CODEOWNERS", "*  @mallory\n")
        messages = self.messages(tree)
        assert "* takes files of users from @conduit/users, the owner in its manifest" in messages
        # With the kernel.
        assert len(messages) == len(Checkout(tree.root).modules) + 1

    def test_line_takes_over_a_part_of_a_module(self, tree: CopiedTree) -> None:
        tree.append("CODEOWNERS", "/modules/users/infrastructure/  @mallory\n")
        [message] = self.messages(tree)
        assert message.startswith("/modules/users/infrastructure/ takes files of users from @conduit/users")

    def test_pattern_without_owner_takes_a_part_of_a_module(self, tree: CopiedTree) -> None:
        tree.append("CODEOWNERS", "**/contracts.py\n")
        assert "users has no owner in CODEOWNERS (/modules/users/ @team)" in self.messages(tree)

    def test_name_without_at_sign_is_no_owner(self, tree: CopiedTree) -> None:
        tree.append("CODEOWNERS", "/README.md  conduit/architecture\n")
        assert self.messages(tree) == {
            "conduit/architecture is neither @user, @organization/team nor an address"
        }

    def test_manifest_without_owner_is_reported(self, tree: CopiedTree) -> None:
        tree.replace("modules/users/module.py", '    owner="@conduit/users",\n', "")
        assert self.messages(tree) == {"the manifest of users declares no owner"}

    def test_second_owner_is_no_violation(self, tree: CopiedTree) -> None:
        line = "/modules/users/     @conduit/users\n"
        part = "/modules/users/infrastructure/  @conduit/users @conduit/database\n"
        tree.replace("CODEOWNERS", line, line + part)
        assert tree.check_static() == []
