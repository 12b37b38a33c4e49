"""Writes figures into pages for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import BenchError

Report = Mapping[str, Any]
Aims = Mapping[str, tuple[str, float]]

ALONE, BESIDE_WRITERS = "list", "list beside 8 writers"
MAX_REPETITIONS = 3
BEGIN, END = "<!-- figures: python -m benchmarks table -->", "<!-- end of figures -->"


def ratio_to_yardstick(report: Report, aims: Aims, name: str) -> float | None:
    """Return the operation's requests per second as a part of its yardstick's; None if it has none."""
    if name not in aims or name not in report["operations"]:
        return None
    baseline = report["operations"][aims[name][0]]["requests_per_second"]
    return float(report["operations"][name]["requests_per_second"] / baseline)


def waiting_beside_writers(report: Report) -> float | None:
    """Return how many times longer the slowest readers wait beside writers; None if it was not measured."""
    operations = report["operations"]
    if ALONE not in operations or BESIDE_WRITERS not in operations:
        return None
    return float(operations[BESIDE_WRITERS]["p99"] / operations[ALONE]["p99"])


def figures_in_markdown(report: Report, aims: Aims) -> str:
    """Return what was measured, where and when, and a table with a line for each operation."""
    rounds = f"{report['rounds']} round" + ("s" if report["rounds"] > 1 else "")
    idle, startup = report["idle_megabytes"], report["startup_seconds"]
    lines = [
        f"{report['date']}, one core of {report['machine']}, {rounds} of {report['seconds']} s.",
        f"Idle {idle:.0f} MB, first answer after {startup:.1f} s.",
        "",
        "| operation | requests/s | p50 ms | p99 ms | CPU µs | ratio to its yardstick | aim |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in report["operations"].items():
        ratio = ratio_to_yardstick(report, aims, name)
        told = " | " if ratio is None else f"{ratio:.2f} | {aims[name][1]}"
        lines.append(
            f"| {name} | {row['requests_per_second']:,.0f} | {row['p50']:.1f} | {row['p99']:.1f} "
            f"| {row['cpu']:,.0f} | {told} |"
        )
    if (times := waiting_beside_writers(report)) is not None:
        told = f"Beside 8 writers the list's p99 is {times:.1f} times its p99 alone"
        lines += ["", f"{told}; the aim is {MAX_REPETITIONS} at most."]
    return "\n".join(lines)


def write_between_marks(page: Path, figures: str) -> None:
    """Put the figures where the page has its marks; raise `BenchError` if it has none."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{page} has no place for figures: {BEGIN} … {END}")
    page.write_text(f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}")
