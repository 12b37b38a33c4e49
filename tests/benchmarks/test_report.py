"""The tables in Markdown, and that README.md and docs/performance.md have those of the committed figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import FIGURES, tables
from benchmarks.measure import BenchError
from benchmarks.operations import BARE, INSERT, QUERY
from benchmarks.report import (
    INTRODUCTION,
    comparison,
    details,
    failed,
    growth,
    headline,
    write_between_markers,
)

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- python -m benchmarks table: figures -->", "<!-- end of figures -->"
ROW = {
    "cpu": 800.0,
    "postgresql_cpu": 0.0,
    "requests_per_second": 1234.5,
    "p50": 2.0,
    "p99": 9.0,
    "noise": 0.04,
    "errors": 0,
}


def report(**changes: float) -> dict[str, Any]:
    """Return figures with a CPU time of 800 µs for each operation, and 400 for each baseline."""
    on_sqlite, on_postgresql = ROW | changes, ROW | {"postgresql_cpu": 300.0} | changes
    return {
        "date": "2026-01-31",
        "machine": "a machine",
        "rounds": 3,
        "seconds": 2,
        "fsync_microseconds": 350,
        "engines": {"SQLite": {"version": "SQLite 3.45", "idle_megabytes": 95.5, "startup_seconds": 1.25}},
        "figures": {
            "baseline": {"FastAPI": {name: ROW | {"cpu": 400.0} for name in (QUERY, BARE, INSERT)}},
            "uncached": {
                "SQLite": {"list": on_sqlite, "publish": on_sqlite},
                "PostgreSQL": {"list": on_postgresql, "tags": on_postgresql},
            },
            "cached": {"SQLite": {"list": ROW | {"cpu": 100.0}}},
            "mixed workload": {"SQLite": {"uncached": on_sqlite}},
            "beside 8 writers": {"SQLite": {"list": on_sqlite}},
        },
    }


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line]


def test_headline_begins_with_what_is_cached_and_only_mentions_the_response_cache_after_the_tables() -> None:
    text = headline(report())
    assert text.startswith(INTRODUCTION)
    assert INTRODUCTION.startswith("**No response is cached in these figures**")
    assert "Reads from the response cache: 100 to 100, until the next write." in text
    assert all("100" not in row for row in rows(text))


def test_operations_have_the_ratio_of_the_baselines_cpu_time_to_theirs_and_their_target() -> None:
    sqlite, rule, listing, publish, postgresql, _, on_postgresql, tags = rows(headline(report()))
    assert sqlite == ["SQLite", "CPU µs", "ratio", "target", "requests/s", "p50 ms", "p99 ms"]
    assert set("".join(rule)) == {"-", ":"}
    assert listing == ["list", "800", "0.50", "≥ 0.5", "1,234", "2.0", "9.0"]
    assert publish[:4] == ["publish", "800", "0.50", "≥ 0.4"]
    assert postgresql[:5] == ["PostgreSQL", "CPU µs", "PostgreSQL's CPU µs", "ratio", "target"]
    assert on_postgresql[:5] == ["list", "800", "300", "0.50", "≥ 0.35"]
    assert tags[4] == "", "no target on PostgreSQL"


@pytest.mark.parametrize(("cpu", "met"), [(800.0, 2), (801.0, 1), (1001.0, 0)])
def test_headline_counts_the_targets_that_are_met(cpu: float, met: int) -> None:
    assert f"SQLite: {met} of 2 targets are met." in headline(report(cpu=cpu))


def test_details_have_a_section_for_each_other_kind_of_measurement() -> None:
    text = details(report())
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert titles == ["### Cached", "### Mixed workload", "### Beside 8 writers", "### Baseline"]
    assert ["list", "4.5", "≤ 5", "1,234", "2.0", "9.0"] in rows(text)
    assert ["list", "100", "4.00", "1,234", "2.0", "9.0"] in rows(text)


def test_failed_requests_are_reported_by_measurement() -> None:
    assert failed(report()) == []
    assert failed(report(errors=1))[0] == "uncached, SQLite: list"


def test_comparison_has_the_cpu_times_of_each_file_and_the_last_relative_to_the_first() -> None:
    compared = rows(comparison({"A": report(), "B": report(cpu=600.0), "C": report(cpu=400.0)}))
    assert compared[0] == ["CPU µs", "A", "B", "C", "last ÷ first"]
    assert ["uncached, SQLite: list", "800", "600", "400", "0.50"] in compared
    assert ["uncached, PostgreSQL: list, PostgreSQL's", "300", "300", "300", "1.00"] in compared


def test_growth_has_the_largest_size_relative_to_the_smallest() -> None:
    operations = {"list": [100.0, 120.0], "list, offset in the middle": [100.0, 900.0]}
    figures = {"date": "2026-01-31", "machine": "m", "articles": [1_000, 1_000_000], "operations": operations}
    assert rows(growth(figures))[2:] == [
        ["list", "100", "120", "1.20", "≤ 1.3"],
        ["list, offset in the middle", "100", "900", "9.00", ""],
    ]


def test_figures_replace_only_the_text_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n")
    write_between_markers(page, "figures", "new")
    write_between_markers(page, "figures", "newer")
    assert page.read_text() == f"# Before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["nothing", BEGIN, f"{END} and then {BEGIN}"])
def test_page_without_markers_is_an_error_and_unchanged(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(BenchError, match="no markers for figures"):
        write_between_markers(page, "figures", "new")
    assert page.read_text() == text


def test_pages_have_the_tables_of_the_committed_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for (page, name), text in tables().items():
        copy = tmp_path / page.name
        copy.write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
        write_between_markers(copy, name, text)
        assert copy.read_text() == page.read_text(), f"run: python -m benchmarks table ({page})"


def test_what_is_cached_is_the_first_sentence_on_both_pages() -> None:
    for page, heading in (("README.md", "## Performance\n"), ("docs/performance.md", "# Performance\n")):
        _, _, section = (ROOT / page).read_text(encoding="utf-8").partition(heading)
        first = next(line for line in section.splitlines() if line and not line.startswith("<!--"))
        assert first == INTRODUCTION.splitlines()[0]


def test_committed_figures_are_of_both_engines_and_without_failed_requests() -> None:
    committed = json.loads((ROOT / FIGURES).read_text(encoding="utf-8"))
    assert failed(committed) == []
    assert {"SQLite", "PostgreSQL"} <= {row[0] for row in rows(headline(committed))}
