"""A run: its measurements, in interleaved rounds, and their figures."""

import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import typer

from benchmarks.databases import COMMIT_DELAY_MICROSECONDS, SqliteDatabases, postgresql
from benchmarks.dataset import Size
from benchmarks.measure import BenchError, Figures, Load, measure, pin_load, require_wrk
from benchmarks.operations import (
    BASELINES,
    OPERATIONS,
    POSTGRESQL,
    READS,
    SQLITE,
    Requests,
    comments,
    mixed,
)
from benchmarks.site import CACHED, COMMIT_DELAY, UNCACHED, Site

BASELINE, MIXED, TAIL, WRITERS = "baseline", "mixed workload", "beside 8 writers", "concurrent writers"
FASTAPI = "FastAPI"
CONNECTIONS, USERS, WRITERS_BESIDE = 16, 50, 8


@dataclass(frozen=True, slots=True)
class Measurement:
    """One load of one server."""

    section: str
    engine: str
    name: str
    requests: Requests
    connections: int = CONNECTIONS
    variant: str = UNCACHED
    beside: Requests | None = None
    """The requests of `WRITERS_BESIDE` other connections at the same time."""

    @property
    def label(self) -> str:
        """The text that `--only` searches."""
        return f"{self.section}, {self.engine}: {self.name}"


def measurements() -> Iterator[Measurement]:
    """Return the measurements of a whole run."""
    for name, requests in BASELINES.items():
        yield Measurement(BASELINE, FASTAPI, name, requests)
    for engine in (SQLITE, POSTGRESQL):
        for name, operation in OPERATIONS.items():
            yield Measurement(UNCACHED, engine, name, operation.requests)
        yield Measurement(MIXED, engine, UNCACHED, mixed, USERS)
        for name in READS:
            yield Measurement(CACHED, engine, name, OPERATIONS[name].requests, variant=CACHED)
        yield Measurement(MIXED, engine, CACHED, mixed, USERS, CACHED)
        yield Measurement(TAIL, engine, "list", OPERATIONS["list"].requests, beside=comments)
        for writers in (8, 32, 64):
            yield Measurement(WRITERS, engine, f"{writers}", comments, writers)
            if engine == POSTGRESQL:
                name = f"{writers}, commit_delay = {COMMIT_DELAY_MICROSECONDS} µs"
                yield Measurement(WRITERS, engine, name, comments, writers, COMMIT_DELAY)


def run(seconds: int, rounds: int, only: Sequence[str], size: Size) -> dict[str, Any]:
    """Measure in interleaved rounds, and return the medians; raise `BenchError`.

    With `only`, measure the baselines and what has one of these texts in its label.
    """
    require_wrk()
    selected = _select(only)
    measured: defaultdict[Measurement, list[Figures]] = defaultdict(list)
    core = pin_load()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))

        @cache
        def site(engine: str) -> Site:
            if engine == POSTGRESQL:
                return Site(stack.enter_context(postgresql(folder)), folder, size, core, stack)
            return Site(SqliteDatabases(folder), folder, size, core, stack)

        fsync = _fsync_microseconds(folder / "fsync")
        for number in range(1, rounds + 1):
            for one in selected:
                typer.echo(f"round {number} of {rounds}: {one.label}", err=True)
                figures = _measure(one, site(SQLITE if one.engine == FASTAPI else one.engine), seconds)
                measured[one].append(figures)
        engines = dict.fromkeys(one.engine for one in selected if one.engine != FASTAPI)
        servers = {engine: next(iter(site(engine).servers.values())) for engine in engines}
        return {
            **today(),
            "seconds": seconds,
            "rounds": rounds,
            "fsync_microseconds": fsync,
            "engines": {
                engine: {
                    "version": site(engine).databases.version,
                    "idle_megabytes": round(server.idle_megabytes, 1),
                    "startup_seconds": round(server.startup_seconds, 2),
                }
                for engine, server in servers.items()
            },
            "figures": _by_section(measured),
        }


def _select(only: Sequence[str]) -> list[Measurement]:
    every = list(measurements())
    for text in only:
        if not any(text in one.label for one in every):
            raise BenchError(f"no measurement has this in its label: {text}")
    return [
        one for one in every if not only or one.section == BASELINE or any(text in one.label for text in only)
    ]


def today() -> dict[str, str]:
    """Return the date, and the machine."""
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return {"date": date.today().isoformat(), "machine": machine}


def _measure(one: Measurement, site: Site, seconds: int) -> Figures:
    server = site.baselines if one.engine == FASTAPI else site.conduit(one.variant)
    load = Load(one.requests(site.dataset), one.connections)
    beside = Load(one.beside(site.dataset), WRITERS_BESIDE) if one.beside else None
    return measure(server, load, seconds, beside, site.databases.postmaster)


def _by_section(measured: Mapping[Measurement, Sequence[Figures]]) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    for one, rounds in measured.items():
        sections.setdefault(one.section, {}).setdefault(one.engine, {})[one.name] = _medians(rounds)
    return sections


def _medians(rounds: Sequence[Figures]) -> dict[str, float]:
    """Return the median of each figure, the spread of the CPU time relative to it, and all errors."""
    columns = {name: [asdict(figures)[name] for figures in rounds] for name in asdict(rounds[0])}
    row = {name: round(median(column), 3) for name, column in columns.items()}
    noise = (max(columns["cpu"]) - min(columns["cpu"])) / row["cpu"]
    return row | {"noise": round(noise, 3), "errors": sum(columns["errors"])}


def _fsync_microseconds(file: Path) -> int:
    """Return the median time to write a page to disk."""
    times = []
    with file.open("wb") as opened:
        for _ in range(50):
            started = time.perf_counter()
            opened.write(bytes(4096))
            opened.flush()
            os.fsync(opened.fileno())
            times.append(time.perf_counter() - started)
    return round(median(times) * 1e6)
