"""Reports of the figures in Markdown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import BenchError

Report = Mapping[str, Any]
Targets = Mapping[str, tuple[str, float]]

ALONE, BESIDE_WRITERS = "list", "list beside 8 writers"
MAX_P99_RATIO = 3
BEGIN, END = "<!-- figures: python -m benchmarks table -->", "<!-- end of figures -->"


def ratio_to_baseline(report: Report, targets: Targets, name: str) -> float | None:
    """Return the operation's requests per second divided by its baseline's; None without a baseline."""
    if name not in targets or name not in report["operations"]:
        return None
    baseline = report["operations"][targets[name][0]]["requests_per_second"]
    return float(report["operations"][name]["requests_per_second"] / baseline)


def p99_ratio_beside_writers(report: Report) -> float | None:
    """Return the list's p99 beside writers divided by its p99 alone; None if not measured."""
    operations = report["operations"]
    if ALONE not in operations or BESIDE_WRITERS not in operations:
        return None
    return float(operations[BESIDE_WRITERS]["p99"] / operations[ALONE]["p99"])


def figures_in_markdown(report: Report, targets: Targets) -> str:
    """Return the date, the machine and a table with a row for each operation."""
    rounds = f"{report['rounds']} round" + ("s" if report["rounds"] > 1 else "")
    idle, startup = report["idle_megabytes"], report["startup_seconds"]
    lines = [
        f"{report['date']}, one core of {report['machine']}, {rounds} of {report['seconds']} s.",
        f"Idle {idle:.0f} MB, first response after {startup:.1f} s.",
        "",
        "| operation | requests/s | p50 ms | p99 ms | CPU µs | ratio to baseline | target |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in report["operations"].items():
        ratio = ratio_to_baseline(report, targets, name)
        cells = " | " if ratio is None else f"{ratio:.2f} | {targets[name][1]}"
        lines.append(
            f"| {name} | {row['requests_per_second']:,.0f} | {row['p50']:.1f} | {row['p99']:.1f} "
            f"| {row['cpu']:,.0f} | {cells} |"
        )
    if (ratio := p99_ratio_beside_writers(report)) is not None:
        comparison = f"Beside 8 writers the list's p99 is {ratio:.1f} times its p99 alone"
        lines += ["", f"{comparison}; the target is {MAX_P99_RATIO} at most."]
    return "\n".join(lines)


def write_between_markers(page: Path, figures: str) -> None:
    """Replace the text between the page's markers; raise `BenchError` if it has none."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{page} has no markers for figures: {BEGIN} … {END}")
    page.write_text(f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}")
