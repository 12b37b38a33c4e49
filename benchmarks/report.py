"""The figures in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import BenchError
from benchmarks.operations import MAX_GROWTH, MAX_P99_TO_P50, OPERATIONS, POSTGRESQL
from benchmarks.site import CACHED, UNCACHED
from benchmarks.suite import BASELINE, FASTAPI, MIXED, TAIL, USERS, WRITERS, WRITERS_BESIDE

Report = Mapping[str, Any]
Row = Mapping[str, float]

INTRODUCTION = """\
**No response is cached in these figures**: Conduit computes each from the database. Cached are the verified
signatures of tokens, conversions of times, compiled statements and pages of the database. Each write is on
disk before its response: SQLite has `synchronous=FULL`, PostgreSQL `fsync=on`."""
SECTIONS = {
    CACHED: "All responses come from the response cache. Any write empties it.",
    MIXED: f"90 % reads of varied URLs and 10 % writes, by {USERS} users on as many connections.",
    WRITERS: "This number of connections comment on articles.",
    TAIL: f"Reads while {WRITERS_BESIDE} other connections comment.",
    BASELINE: "In the same rounds, on the same core.",
}
# Skipping half of the articles cannot be independent of their number.
NOT_FLAT = "list, offset in the middle"


def headline(report: Report) -> str:
    """Return what is cached, and the operations without a response cache."""
    tables = _tables(report, UNCACHED)
    return "\n\n".join([INTRODUCTION, _circumstances(report), *tables, "\n".join(_summary(report))])


def details(report: Report) -> str:
    """Return all other figures."""
    parts: list[str] = []
    for section, description in SECTIONS.items():
        if section in report["figures"]:
            parts += [f"### {section.capitalize()}", description, *_tables(report, section)]
    return "\n\n".join(parts)


def growth(figures: Report) -> str:
    """Return the CPU time of each operation by the number of articles."""
    titles = [
        "CPU µs with so many articles",
        *(f"{size:,}" for size in figures["articles"]),
        "last ÷ first",
        "target",
    ]
    rows = []
    for name, costs in figures["operations"].items():
        target = "" if name == NOT_FLAT else f"≤ {MAX_GROWTH}"
        rows.append([name, *(f"{cost:,.0f}" for cost in costs), f"{costs[-1] / costs[0]:.2f}", target])
    return f"{figures['date']}, {figures['machine']}.\n\n{grid(titles, rows)}"


def comparison(reports: Mapping[str, Report]) -> str:
    """Return the CPU time of each measurement in each of the reports, and the last divided by the first."""
    columns = [dict(_cpu_times(report)) for report in reports.values()]
    rows = []
    for label, first in columns[0].items():
        costs = [column.get(label) for column in columns]
        cells = ["" if cost is None else f"{cost:,.0f}" for cost in costs]
        rows.append([label, *cells, "" if costs[-1] is None else f"{costs[-1] / first:.2f}"])
    return grid(["CPU µs", *reports, "last ÷ first"], rows)


def failed(report: Report) -> list[str]:
    """Return the labels of measurements in which requests failed, so that their figures mean nothing."""
    return [label for label, row in _rows(report) if row["errors"]]


def write_between_markers(page: Path, name: str, text: str) -> None:
    """Replace the text between the page's markers of this name; raise `BenchError` if it has none."""
    begin, end = f"<!-- python -m benchmarks table: {name} -->", f"<!-- end of {name} -->"
    before, found_begin, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise BenchError(f"{page} has no markers for figures: {begin} … {end}")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def grid(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are numbers."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for first, *numbers in [titles, rule, *rows]:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        lines.append(f"| {' | '.join([first.ljust(widths[0]), *cells])} |")
    return "\n".join(lines)


def _circumstances(report: Report) -> str:
    versions = ", ".join(engine["version"] for engine in report["engines"].values())
    noise = max((row["noise"] for _, row in _rows(report)), default=0)
    rounds = f"{report['rounds']} round{'s' if report['rounds'] > 1 else ''} of {report['seconds']} s"
    sentences = [
        f"{report['date']}, one core of {report['machine']}, {versions}.",
        f"Medians of {rounds}; the CPU times of rounds differ by up to {noise * 100:.0f} %.",
        f"One `fsync` takes {report['fsync_microseconds']} µs.",
    ]
    for name, engine in report["engines"].items():
        idle, startup = engine["idle_megabytes"], engine["startup_seconds"]
        sentences.append(
            f"On {name}, Conduit is idle at {idle:.0f} MB and responds {startup:.1f} s after its start."
        )
    return "\n".join(sentences)


def _tables(report: Report, section: str) -> Iterator[str]:
    for engine, by_name in report["figures"].get(section, {}).items():
        rows = [_cells(report, section, engine, name, row) for name, row in by_name.items()]
        yield grid(list(rows[0]), [list(cells.values()) for cells in rows])


def _cells(report: Report, section: str, engine: str, name: str, row: Row) -> dict[str, str]:
    """Return the cells of a row by the titles of their columns."""
    cells = {engine: name}
    if section != TAIL:
        cells["CPU µs"] = f"{row['cpu']:,.0f}"
    if section != TAIL and engine == POSTGRESQL:
        cells["PostgreSQL's CPU µs"] = f"{row['postgresql_cpu']:,.0f}"
    if section in {UNCACHED, CACHED}:
        cells["ratio"] = f"{_ratio(report, name, row):.2f}"
    if section == UNCACHED:
        target = OPERATIONS[name].target(engine)
        cells["target"] = "" if target is None else f"≥ {target}"
    if section == TAIL:
        cells |= {"p99 ÷ p50": f"{row['p99'] / row['p50']:.1f}", "target": f"≤ {MAX_P99_TO_P50}"}
    latencies = {f"{quantile} ms": f"{row[quantile]:,.1f}" for quantile in ("p50", "p99")}
    return cells | {"requests/s": f"{row['requests_per_second']:,.0f}"} | latencies


def _ratio(report: Report, name: str, row: Row) -> float:
    """Return the CPU time of the operation's baseline divided by its own."""
    baseline: Row = report["figures"][BASELINE][FASTAPI][OPERATIONS[name].baseline]
    return baseline["cpu"] / row["cpu"]


def _summary(report: Report) -> Iterator[str]:
    """Yield a list item for each engine: the targets that are met, and other figures in short."""
    figures = report["figures"]
    for engine, by_name in figures.get(UNCACHED, {}).items():
        targets = {
            name: target for name in by_name if (target := OPERATIONS[name].target(engine)) is not None
        }
        met = sum(_ratio(report, name, by_name[name]) >= target for name, target in targets.items())
        sentences = [f"- {engine}: {met} of {len(targets)} targets are met."]
        for variant, row in figures.get(MIXED, {}).get(engine, {}).items():
            sentences.append(f"Mixed workload, {variant}: {row['cpu']:,.0f} CPU µs per request.")
        if cached := [row["cpu"] for row in figures.get(CACHED, {}).get(engine, {}).values()]:
            low, high = min(cached), max(cached)
            sentences.append(
                f"Reads from the response cache: {low:,.0f} to {high:,.0f}, until the next write."
            )
        yield "\n  ".join(sentences)


def _cpu_times(report: Report) -> Iterator[tuple[str, float]]:
    for label, row in _rows(report):
        yield label, row["cpu"]
        if row["postgresql_cpu"]:
            yield f"{label}, PostgreSQL's", row["postgresql_cpu"]


def _rows(report: Report) -> Iterator[tuple[str, Row]]:
    """Yield the label and figures of each measurement."""
    for section, by_engine in report["figures"].items():
        for engine, by_name in by_engine.items():
            for name, row in by_name.items():
                yield f"{section}, {engine}: {name}", row
