"""That a team tests its module without anybody else's code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts_only import SETTING

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]


def pytest_while_contracts_are_all_there_is(others: str, tests: str) -> subprocess.CompletedProcess[str]:
    """Run these tests while nothing of the other modules but their contracts can be imported."""
    return subprocess.run(  # noqa: S603 - pytest itself
        [sys.executable, "-m", "pytest", "-p", "tests.contracts_only", "-p", "no:cacheprovider", "-q", tests],
        cwd=CHECKOUT,
        env=os.environ | {SETTING: others},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tests_of_comments_need_nothing_of_the_others_but_their_contracts() -> None:
    run = pytest_while_contracts_are_all_there_is("users,profiles,articles", "tests/comments")
    assert run.returncode == 0, run.stdout + run.stderr


def test_whoever_needs_more_is_told_what_is_closed(tmp_path: Path) -> None:
    (tmp_path / "test_greedy.py").write_text(
        "import modules.articles.contracts\nimport modules.articles.domain.article\n", encoding="utf-8"
    )
    run = pytest_while_contracts_are_all_there_is("articles", str(tmp_path))
    assert run.returncode != 0
    assert "modules.articles.domain is closed: only the contracts of articles are open" in run.stdout
