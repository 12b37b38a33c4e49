"""The statements in docs/performance.md are those that tests count."""

import re
from pathlib import Path

from tests.articles.test_statements import COSTS

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
ROW = re.compile(r"^\| `(/\S+)`[^|]*\| (\d+|-) \| (\d+) \|$", re.MULTILINE)


def test_each_path_has_its_row_with_its_costs() -> None:
    told = [
        (path, None if anonymous == "-" else int(anonymous), int(with_token))
        for path, anonymous, with_token in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    ]
    assert told == [(cost.path, cost.anonymous, cost.with_token) for cost in COSTS]
