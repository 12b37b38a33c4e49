"""Figures are written where people read them."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.__main__ import LIST, TARGETS
from benchmarks.measure import BenchError
from benchmarks.plot import growth_plot
from benchmarks.report import BEGIN, END, figures_in_markdown, write_between_marks

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


def test_a_table_has_a_line_for_each_operation_with_its_ratio_and_its_aim() -> None:
    lines = figures_in_markdown(REPORT, TARGETS).splitlines()
    assert lines[0] == "2026-01-31, one core of a machine, 3 rounds of 2 s."
    assert lines[-2] == "| list | 3,000 | 1.0 | 2.5 | 300 | 0.75 | 0.6 |"
    assert lines[-1].startswith(f"| {LIST} | 4,000 |")


def test_how_long_readers_wait_beside_writers_is_told() -> None:
    operations = {"list": FIGURES, "list beside 8 writers": FIGURES | {"p99": 5.0}}
    told = figures_in_markdown(REPORT | {"operations": operations | {LIST: FIGURES}}, TARGETS)
    assert told.endswith("Beside 8 writers the list's p99 is 2.0 times its p99 alone; the aim is 3 at most.")


def test_figures_are_written_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n")
    write_between_marks(page, "new")
    write_between_marks(page, "newer")
    assert page.read_text() == f"# Before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["nothing", BEGIN, f"{END} and then {BEGIN}"])
def test_a_page_without_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(BenchError, match="no place for figures"):
        write_between_marks(page, "new")
    assert page.read_text() == text


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md"])
def test_the_pages_of_conduit_have_a_place_for_figures(page: str) -> None:
    before, _, rest = (ROOT / page).read_text(encoding="utf-8").partition(BEGIN)
    assert before
    assert END in rest


def test_the_picture_of_growth_is_drawn_from_the_figures_beside_it() -> None:
    kept = json.loads((ROOT / "docs" / "growth.json").read_text())
    drawn = growth_plot(kept["articles"], kept["operations"])
    assert drawn == (ROOT / "docs" / "growth.svg").read_text(encoding="utf-8")
    lines = ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}polyline")  # noqa: S314 - our own
    assert len(list(lines)) == len(kept["operations"])
