"""`/metrics`, in Prometheus' text format.

Names and units follow its guide (https://prometheus.io/docs/practices/naming): base units, `_total` for
counters. Labels are bounded: route templates instead of paths, and module names.
"""

import asyncio
import math
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path

from fastapi import APIRouter, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from conduit_app.composition import Composition
from conduit_app.observability.module_metrics import ModuleMetrics
from conduit_app.observability.probe import DatabaseProbe
from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.messaging.outbox_statements import MAX_COUNT

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with the folder through which worker processes share their metrics."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SAMPLE_INTERVAL_SECONDS = 1.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
OTHER = "other"


@dataclass(slots=True)
class _StatementTotals:
    """The statements of a module since its counters were updated, which takes longer than adding to it."""

    count: int = 0
    seconds: float = 0.0


class Metrics:
    """The metrics of one application; worker processes share theirs through a folder."""

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._probe = DatabaseProbe()
        # A module's tables start with its name. Longest first: one name may be a prefix of another.
        names = sorted((module.name for module in composition.migratable), key=len, reverse=True)
        self._table = re.compile(rf'\b(?:FROM|INTO|UPDATE)\s+"?({"|".join(names)})_')
        self._totals = {name: _StatementTotals() for name in [*names, OTHER]}
        self._totals_of = lru_cache(maxsize=1_024)(self._find_totals)
        registry = self._registry = CollectorRegistry()
        self._requests = Histogram(
            "conduit_http_request_duration_seconds",
            "Duration of HTTP requests in seconds",
            ["method", "route", "module", "status"],
            buckets=SECONDS,
            registry=registry,
        )
        # Bounded, as the labels are.
        self._requests_of = cache(self._requests.labels)
        self._statements = Counter(
            "conduit_sql_statements", "SQL statements executed", ["module"], registry=registry
        )
        self._statement_seconds = Counter(
            "conduit_sql_duration_seconds",
            "Total duration of SQL statements in seconds",
            ["module"],
            registry=registry,
        )
        self._stalls = Histogram(
            "conduit_event_loop_stall_seconds",
            "Delay of a callback of the event loop, measured ten times a second, in seconds",
            buckets=STALL_SECONDS,
            registry=registry,
        )
        self._connections = Gauge(
            "conduit_database_connections_in_use",
            "Database connections in use",
            ["pool"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._deliveries = Gauge(
            "conduit_outbox_deliveries",
            f"Deliveries in the outbox by state (pending, dead or orphaned), each counted up to {MAX_COUNT}",
            ["state"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._oldest_pending = Gauge(
            "conduit_outbox_oldest_pending_seconds",
            "Age of the oldest pending delivery in seconds",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._lag = Gauge(
            "conduit_outbox_lag_seconds",
            "Age of the oldest pending delivery of each subscriber in seconds",
            ["subscriber"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._paused = Gauge(
            "conduit_outbox_subscriber_paused",
            "1 if the circuit breaker of the subscriber is open in a process, else 0",
            ["subscriber"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._job_finished = Gauge(
            "conduit_job_last_success_timestamp_seconds",
            "When the job last finished, in seconds since 1970; 0 if never",
            ["job"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._job_due = Gauge(
            "conduit_job_next_run_timestamp_seconds",
            "When the job is due, in seconds since 1970; 0 before its first run",
            ["job"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._job_failures = Gauge(
            "conduit_job_failures",
            "Failures of the job since it last finished",
            ["job"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._up = Gauge(
            "conduit_database_up",
            "1 if the database responded to this scrape, else 0",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._wal = Gauge(
            "conduit_database_wal_bytes",
            "Size of SQLite's write-ahead log in bytes",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._replica_lag = Gauge(
            "conduit_database_replica_lag_seconds",
            "How far the replica is behind the primary in seconds; NaN if it cannot be measured",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._modules = ModuleMetrics(composition, registry)
        composition.database.observers.append(self)

    def observe_request(
        self, method: str, route: str, module: str | None, status: int, seconds: float
    ) -> None:
        """Record a request; unknown routes share one label, so that clients cannot create any number."""
        if module is None:
            route = OTHER
        self._requests_of(
            method if method in METHODS else OTHER, route, module or OTHER, str(status)
        ).observe(seconds)

    def observe_stall(self, seconds: float) -> None:
        """Record a measurement of the event loop's watchdog."""
        self._stalls.observe(seconds)

    async def render(self) -> bytes:
        """Return the metrics of all worker processes."""
        try:
            backlog = await self._probe.run(self._composition.messaging.outbox_admin.backlog())
            jobs = await self._probe.run(self._composition.jobs.states())
        except Unavailable:
            self._up.set(0)
            self._modules.forget_database()
        else:
            self._up.set(1)
            await self._modules.read_database(self._probe)
            self._oldest_pending.set(backlog.oldest_pending_seconds)
            for job in jobs:
                finished, due = (_timestamp(moment) for moment in (job.finished_at, job.next_run_at))
                self._job_finished.labels(job.name).set(finished)
                self._job_due.labels(job.name).set(due)
                self._job_failures.labels(job.name).set(job.failures)
            for subscriber, seconds in backlog.lag_seconds.items():
                self._lag.labels(subscriber).set(seconds)
            for state in ("pending", "dead", "orphaned"):
                self._deliveries.labels(state).set(getattr(backlog, state))
        self._sample()
        if MULTIPROC_DIR not in os.environ:
            return generate_latest(self._registry)
        _drop_dead_workers(Path(os.environ[MULTIPROC_DIR]))
        merged = CollectorRegistry()
        MultiProcessCollector(merged)  # type: ignore[no-untyped-call] # it has no types
        return generate_latest(merged)

    def executed(self, statement: str, seconds: float) -> None:
        """Count a statement for the module that owns its table."""
        totals = self._totals_of(statement)
        totals.count += 1
        totals.seconds += seconds

    @asynccontextmanager
    async def sampling(self) -> AsyncIterator[None]:
        """Update the metrics of this process every second in the block if other worker processes return them.

        All but those of requests, which are updated at once.
        """
        if MULTIPROC_DIR not in os.environ:
            yield
            return
        task = asyncio.create_task(self._sample_repeatedly())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._sample()

    async def _sample_repeatedly(self) -> None:
        while True:
            self._sample()
            await asyncio.sleep(SAMPLE_INTERVAL_SECONDS)

    def _sample(self) -> None:
        for name, pool in self._composition.database.pools.items():
            self._connections.labels(name).set(pool.in_use)
        if (write_ahead_log := self._composition.database.write_ahead_log) is not None:
            self._wal.set(write_ahead_log.size())
        if (replica := self._composition.database.replica) is not None:
            lag = replica.lag_seconds
            self._replica_lag.set(math.nan if lag is None else lag)
        for lane in self._composition.messaging.dispatcher.lanes:
            self._paused.labels(lane.subscriber).set(lane.pause_seconds > 0)
        self._modules.sample()
        for module, totals in self._totals.items():
            if totals.count:
                self._statements.labels(module).inc(totals.count)
                self._statement_seconds.labels(module).inc(totals.seconds)
                totals.count, totals.seconds = 0, 0.0

    def _find_totals(self, statement: str) -> _StatementTotals:
        """Return the totals of the module that owns the statement's table."""
        match = self._table.search(statement)
        return self._totals[OTHER if match is None else match[1]]


def _drop_dead_workers(folder: Path) -> None:
    # A killed worker left its gauges behind.
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call] # it has no types


def create_metrics_router(metrics: Metrics) -> APIRouter:
    """Return the route that Prometheus scrapes, which is not in the OpenAPI document."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def render() -> Response:
        """Return the metrics."""
        return Response(await metrics.render(), media_type=CONTENT_TYPE_LATEST)

    return router


def _timestamp(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()
