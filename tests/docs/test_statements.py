"""The statement counts in docs/performance.md are those that tests/articles counts."""

import re
from pathlib import Path

from tests.articles.test_statements import COSTS

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
ROW = re.compile(r"^\| `(/\S+)`[^|]*\| (\d+|-) \| (\d+) \|$", re.MULTILINE)


def test_documented_statement_counts_are_the_tested_ones() -> None:
    documented = [
        (path, None if anonymous == "-" else int(anonymous), int(with_token))
        for path, anonymous, with_token in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    ]
    assert documented == [(cost.path, cost.anonymous, cost.with_token) for cost in COSTS]
