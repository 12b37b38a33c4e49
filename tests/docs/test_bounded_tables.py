"""Every table is in the list of what bounds it, in docs/operations.md."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_table_has_a_documented_bound() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition("## What grows\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    documented = [table for row in rows for table in re.findall(r"`(\w+)`", row)]
    sources = [*ROOT.glob("modules/*/infrastructure/**/*.py"), *ROOT.glob("plugins/*/conduit_*/**/*.py")]
    tables = [
        table
        for file in sources
        for table in re.findall(r'__tablename__ = "(\w+)"', file.read_text(encoding="utf-8"))
    ]
    assert sorted(documented) == sorted(tables) != []
