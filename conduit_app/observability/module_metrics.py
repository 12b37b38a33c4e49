"""The metrics that the manifests of modules declare, with the prefix `conduit_MODULE_`."""

import math

import prometheus_client
import structlog
from prometheus_client import CollectorRegistry

from conduit_app.composition import Composition
from conduit_app.observability.probe import DatabaseProbe
from modules.kernel.module import AsyncGauge, Gauge, Module

log = structlog.get_logger("conduit.metrics")


class ModuleMetrics:
    """The metrics of all modules. One whose function raises is NaN, and does not affect the others."""

    def __init__(self, composition: Composition, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._gauges: list[tuple[prometheus_client.Gauge, Module, Gauge]] = []
        self._async_gauges: list[tuple[prometheus_client.Gauge, Module, AsyncGauge]] = []
        self._containers = composition.containers
        for module in composition.modules:
            self._add(module)

    def _add(self, module: Module) -> None:
        container, prefix = self._containers[module.name], f"conduit_{module.name}_"
        for gauge in module.gauges:
            # The numbers of the processes are added up; all of them read the same database.
            shared = isinstance(gauge, AsyncGauge)
            metric = prometheus_client.Gauge(
                f"{prefix}{gauge.name}",
                gauge.help,
                registry=self._registry,
                multiprocess_mode="mostrecent" if shared else "livesum",
            )
            if isinstance(gauge, AsyncGauge):
                self._async_gauges.append((metric, module, gauge))
            else:
                self._gauges.append((metric, module, gauge))
        for counter in module.counters:
            count = prometheus_client.Counter(
                f"{prefix}{counter.name}", counter.help, registry=self._registry
            )
            counter.counter(container).observers.append(count.inc)
        for histogram in module.histograms:
            buckets = prometheus_client.Histogram(
                f"{prefix}{histogram.name}",
                histogram.help,
                registry=self._registry,
                buckets=histogram.buckets,
            )
            histogram.histogram(container).observers.append(buckets.observe)

    def sample(self) -> None:
        """Read the gauges of this process."""
        for metric, module, gauge in self._gauges:
            try:
                metric.set(gauge.read(self._containers[module.name]))
            except Exception:  # the code of any module
                metric.set(_unreadable(module, gauge))

    async def read_database(self, probe: DatabaseProbe) -> None:
        """Read the asynchronous gauges, each within the time limit of the probe."""
        for metric, module, gauge in self._async_gauges:
            try:
                metric.set(await probe.run(gauge.read(self._containers[module.name])))
            except Exception:  # the code of any module
                metric.set(_unreadable(module, gauge))

    def forget_database(self) -> None:
        """Set the asynchronous gauges to NaN: the database is unreachable."""
        for metric, _, _ in self._async_gauges:
            metric.set(math.nan)


def _unreadable(module: Module, gauge: Gauge | AsyncGauge) -> float:
    log.exception("gauge failed", module=module.name, gauge=gauge.name)
    return math.nan
