"""The reports of the benchmarks: tables in Markdown and the growth chart."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.__main__ import LIST, TARGETS
from benchmarks.measure import BenchError
from benchmarks.plot import growth_plot
from benchmarks.report import BEGIN, END, figures_in_markdown, write_between_markers

ROOT = Path(__file__).parents[2]
FIGURES = {"requests_per_second": 3000.0, "p50": 1.0, "p99": 2.5, "cpu": 300.0}
REPORT = {
    "date": "2026-01-31",
    "machine": "a machine",
    "rounds": 3,
    "seconds": 2,
    "idle_megabytes": 99.5,
    "startup_seconds": 1.25,
    "operations": {"list": FIGURES, LIST: FIGURES | {"requests_per_second": 4000.0}},
}


def test_table_has_the_ratio_and_the_target_of_each_operation() -> None:
    lines = figures_in_markdown(REPORT, TARGETS).splitlines()
    assert lines[0] == "2026-01-31, one core of a machine, 3 rounds of 2 s."
    assert lines[-2] == "| list | 3,000 | 1.0 | 2.5 | 300 | 0.75 | 0.6 |"
    assert lines[-1].startswith(f"| {LIST} | 4,000 |")


def test_report_has_the_p99_ratio_beside_writers() -> None:
    operations = {"list": FIGURES, "list beside 8 writers": FIGURES | {"p99": 5.0}}
    report = figures_in_markdown(REPORT | {"operations": operations | {LIST: FIGURES}}, TARGETS)
    assert report.endswith("p99 is 2.0 times its p99 alone; the target is 3 at most.")


def test_figures_replace_only_the_text_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n")
    write_between_markers(page, "new")
    write_between_markers(page, "newer")
    assert page.read_text() == f"# Before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["nothing", BEGIN, f"{END} and then {BEGIN}"])
def test_page_without_markers_is_an_error_and_unchanged(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(BenchError, match="no markers for figures"):
        write_between_markers(page, "new")
    assert page.read_text() == text


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md"])
def test_readme_and_performance_page_have_markers_and_the_wording_of_the_report(page: str) -> None:
    _, _, rest = (ROOT / page).read_text(encoding="utf-8").partition(BEGIN)
    committed, end, _ = rest.partition(END)
    assert end
    header = next(line for line in figures_in_markdown(REPORT, TARGETS).splitlines() if line.startswith("|"))
    assert header in committed
    assert {name for name, _ in TARGETS.values()} <= set(re.findall(r"^\| (.+?) \|", committed, re.MULTILINE))


def test_growth_chart_is_drawn_from_the_committed_figures() -> None:
    figures = json.loads((ROOT / "docs" / "growth.json").read_text())
    chart = growth_plot(figures["articles"], figures["operations"])
    assert chart == (ROOT / "docs" / "growth.svg").read_text(encoding="utf-8")
    lines = ElementTree.fromstring(chart).iter("{http://www.w3.org/2000/svg}polyline")  # noqa: S314 - our own
    assert len(list(lines)) == len(figures["operations"])
