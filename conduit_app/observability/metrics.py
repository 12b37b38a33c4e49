"""What operators watch: `/metrics`, in Prometheus' text format.

Names and units follow its guide (https://prometheus.io/docs/practices/naming): base units, `_total` for what
only grows. Labels are bounded: templates of routes, never paths, and names of modules.
"""

import os
import re
from functools import lru_cache, partial
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
from conduit_app.observability.probe import DatabaseProbe
from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.persistence.instrumentation import instrument

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder where worker processes add up what they count."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
OTHER = "other"


class Metrics:
    """Counts what Conduit does. One for each application; worker processes share a folder."""

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._patience = DatabaseProbe()
        # Tables are named after their module, and the name of one may begin with that of another.
        names = sorted((module.name for module in composition.migratable), key=len, reverse=True)
        self._table = re.compile(rf'\b(?:FROM|INTO|UPDATE)\s+"?({"|".join(names)})_')
        self._owner = lru_cache(maxsize=1_024)(self._found_owner)
        own = self._registry = CollectorRegistry()
        self._requests = Histogram(
            "conduit_http_request_duration_seconds",
            "How long requests took to answer",
            ["method", "route", "module", "status"],
            buckets=SECONDS,
            registry=own,
        )
        self._statements = Counter(
            "conduit_sql_statements", "Statements that the database was sent", ["module"], registry=own
        )
        self._statement_seconds = Counter(
            "conduit_sql_duration_seconds", "How long the database took for them", ["module"], registry=own
        )
        self._connections = Gauge(
            "conduit_database_connections_in_use",
            "Connections that are in use",
            ["pool"],
            registry=own,
            multiprocess_mode="livesum",
        )
        self._deliveries = Gauge(
            "conduit_outbox_deliveries",
            "Events in the outbox that are to be delivered, have failed for good, or have no subscriber",
            ["state"],
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self._oldest = Gauge(
            "conduit_outbox_oldest_pending_seconds",
            "Since when the oldest event that is to be delivered has waited",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self._up = Gauge(
            "conduit_database_up",
            "Whether the database answered when it was asked for these figures",
            registry=own,
            multiprocess_mode="mostrecent",
        )
        self._figures = [
            (
                Gauge(
                    f"conduit_{module.name}_{one.name}", one.help, registry=own, multiprocess_mode="livesum"
                ),
                partial(one.read, composition.containers[module.name]),
            )
            for module in composition.modules
            for one in module.gauges
        ]
        instrument(composition.database, self)

    def observe_request(
        self, method: str, route: str, module: str | None, status: int, seconds: float
    ) -> None:
        """Count a request. Routes that are none of Conduit's are one, or callers could make any number."""
        if module is None:
            route = OTHER
        self._requests.labels(
            method if method in METHODS else OTHER, route, module or OTHER, str(status)
        ).observe(seconds)

    async def render(self) -> bytes:
        """Return all figures, of every process that serves."""
        try:
            backlog = await self._patience.ask(self._composition.messaging.outbox_admin.backlog())
        except Unavailable:
            self._up.set(0)
        else:
            self._up.set(1)
            self._oldest.set(backlog.oldest_pending_seconds)
            for state in ("waiting", "dead", "orphaned"):
                self._deliveries.labels(state).set(getattr(backlog, state))
        for figure, read in self._figures:
            figure.set(read())
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        _forget_the_dead(Path(os.environ[SHARED_FOLDER]))
        everybodys = CollectorRegistry()
        MultiProcessCollector(everybodys)  # type: ignore[no-untyped-call] # it has no types
        return generate_latest(everybodys)

    def executed(self, statement: str, seconds: float) -> None:
        """Count a statement for the module that owns the table."""
        module = self._owner(statement)
        self._statements.labels(module).inc()
        self._statement_seconds.labels(module).inc(seconds)

    def connections_changed(self, pool: str, change: int) -> None:
        """Count a connection that is taken or given back."""
        self._connections.labels(pool).inc(change)

    def _found_owner(self, statement: str) -> str:
        found = self._table.search(statement)
        return OTHER if found is None else found[1]


def _forget_the_dead(folder: Path) -> None:
    # What a process that was killed had open is not open any more.
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        if not Path(f"/proc/{process}").exists():
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call] # it has no types


def create_metrics_router(metrics: Metrics) -> APIRouter:
    """Return the route that Prometheus asks; it is for operators, and so not in the API's document."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def gauges() -> Response:
        """Return all figures."""
        return Response(await metrics.render(), media_type=CONTENT_TYPE_LATEST)

    return router
