"""A module's tests need only the contracts of other modules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts_only import SETTING

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]


def pytest_with_contracts_only(others: str, tests: str) -> subprocess.CompletedProcess[str]:
    """Run these tests with only the contracts of the other modules importable."""
    return subprocess.run(  # noqa: S603 - pytest itself
        [sys.executable, "-m", "pytest", "-p", "tests.contracts_only", "-p", "no:cacheprovider", "-q", tests],
        cwd=CHECKOUT,
        env=os.environ | {SETTING: others},
        capture_output=True,
        text=True,
        check=False,
    )


def test_tests_of_comments_need_only_contracts_of_other_modules() -> None:
    run = pytest_with_contracts_only("users,profiles,articles", "tests/comments")
    assert run.returncode == 0, run.stdout + run.stderr


def test_import_beyond_contracts_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "test_import.py").write_text(
        "import modules.articles.contracts\nimport modules.articles.domain.article\n", encoding="utf-8"
    )
    run = pytest_with_contracts_only("articles", str(tmp_path))
    assert run.returncode != 0
    assert "modules.articles.domain is closed: only the contracts of articles are open" in run.stdout
