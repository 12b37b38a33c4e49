"""`/metrics` and the dashboard."""

import asyncio
import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # its types are a distribution of their own
from dependency_injector import providers
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_devtools.testkit import boot_module
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.metrics import Counter, Histogram
from modules.kernel.infrastructure.persistence.database import DatabaseUnavailable
from modules.kernel.module import AsyncGauge, CounterMetric, Gauge, HistogramMetric, Module
from tests.client import Api
from tests.conftest import composed, settings_on
from tests.kernel.sample_table import in_another_request
from tests.program import require_program

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana-dashboard.json"
ALERTS = Path(__file__).parents[2] / "deploy" / "alerts.yml"
ALERTS_TEST = Path(__file__).with_name("alerts_test.yml")
REQUESTS = "conduit_http_request_duration_seconds_count"

Labels = frozenset[tuple[str, str]]


async def samples(api: Api) -> dict[tuple[str, Labels], float]:
    """Return every sample by its name and labels."""
    response = await api.outside("GET", "/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def increases(api: Api, before: dict[tuple[str, Labels], float], name: str) -> dict[Labels, float]:
    """Return the increase of each sample of this name that has changed."""
    now = await samples(api)
    differences = {key: value - before.get(key, 0) for key, value in now.items() if key[0] == name}
    return {labels: increase for (_, labels), increase in differences.items() if increase}


def of(**labels: str) -> Labels:
    return frozenset(labels.items())


async def test_request_is_counted_by_route_and_module(api: Api) -> None:
    await api.as_user("jake").publish("Dragons")
    before = await samples(api)
    await api.get("/articles/dragons")
    await api.get("/articles/knights")
    increase = await increases(api, before, REQUESTS)
    route = {"method": "GET", "route": "/api/articles/{slug}", "module": "articles"}
    assert increase[of(**route, status="200")] == 1
    assert increase[of(**route, status="404")] == 1


@pytest.mark.parametrize("path", ["/api/nowhere/1", "/api/nowhere/2", "/elsewhere"])
async def test_unknown_routes_and_methods_share_one_label(api: Api, path: str) -> None:
    before = await samples(api)
    await api.outside("BREW", path)
    increase = await increases(api, before, REQUESTS)
    assert increase[of(method="other", route="other", module="other", status="404")] == 1


async def test_statement_is_counted_for_the_owner_of_its_table(api: Api) -> None:
    dragons = await api.as_user("jake").publish("Dragons")
    before = await samples(api)
    await api.as_user("jake").comment(dragons)
    increase = await increases(api, before, "conduit_sql_statements_total")
    assert {"comments", "articles", "users"} <= {dict(labels)["module"] for labels in increase}
    seconds = await increases(api, before, "conduit_sql_duration_seconds_total")
    assert 0 < seconds[of(module="comments")] < 10


async def in_use(api: Api) -> dict[str, float]:
    """Return the connections in use by pool."""
    return {
        dict(labels)["pool"]: value
        for (name, labels), value in (await samples(api)).items()
        if name == "conduit_database_connections_in_use"
    }


class TestConnectionsInUse:
    async def test_open_connections_are_counted(self, api: Api, composition: Composition) -> None:
        assert await in_use(api) == {"write": 0, "read": 0}
        async with composition.database.transaction():
            assert await in_another_request(in_use(api)) == {"write": 1, "read": 0}
        assert await in_use(api) == {"write": 0, "read": 0}

    async def test_cancelled_units_of_work_are_not_counted(self, api: Api, composition: Composition) -> None:
        """A torn-down stream cancels its unit of work at any point, also while it connects."""
        for unit in (composition.database.transaction, composition.database.snapshot):
            for steps in range(30):
                await cancel_after(steps, open_unit(unit))
        assert await in_use(api) == {"write": 0, "read": 0}

    async def test_failed_connections_are_not_counted(self, folder: Path) -> None:
        (folder / "conduit.db").mkdir()
        settings = settings_on(folder / "conduit.db")
        async with composed(settings) as composition:
            api = Api(create_application(settings, composition))
            for unit in (composition.database.transaction, composition.database.snapshot):
                with pytest.raises(DatabaseUnavailable):
                    await open_unit(unit)
            assert await in_use(api) == {"write": 0, "read": 0}


async def open_unit(unit: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
    async with unit() as session:
        await session.execute(select(1))


async def cancel_after(steps: int, work: Coroutine[object, object, None]) -> None:
    """Run a coroutine for so many iterations of the event loop, and cancel it."""
    task = asyncio.create_task(work)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_outbox_database_and_module_gauges_are_returned(api: Api) -> None:
    values = await samples(api)
    assert values["conduit_database_up", of()] == 1
    for state in ("pending", "dead", "orphaned"):
        assert values["conduit_outbox_deliveries", of(state=state)] == 0
    assert values["conduit_outbox_oldest_pending_seconds", of()] == 0
    assert values["conduit_users_password_hashes_pending", of()] == 0


async def names_of_samples(api: Api) -> set[str]:
    """Return the names of all samples, also of metrics whose labels have no value yet."""
    await api.get("/tags")
    metrics = (await api.outside("GET", "/metrics")).text
    return {name for name, _ in await samples(api)} | {*re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE)}


async def test_alerts_are_on_metrics_that_exist(api: Api) -> None:
    rules = [
        rule
        for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]
    named = {name for rule in rules for name in re.findall(r"conduit_\w+", rule["expr"])}
    assert named
    # The buckets of a histogram without a value have no samples.
    assert {name.removesuffix("_bucket") for name in named} <= {
        name.removesuffix("_bucket") for name in await names_of_samples(api)
    }


def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    for file in (ALERTS, ALERTS_TEST):
        shutil.copy(file, tmp_path)
    promtool = require_program("promtool")
    subprocess.run([promtool, "test", "rules", tmp_path / ALERTS_TEST.name], check=True)  # noqa: S603 - Prometheus


async def test_dashboard_shows_all_metrics_and_no_others(api: Api) -> None:
    existing = await names_of_samples(api)
    metrics = (await api.outside("GET", "/metrics")).text
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    shown = {name for expression in expressions for name in re.findall(r"conduit_\w+", expression)}
    assert shown <= existing
    families = set(re.findall(r"^# TYPE (conduit_\w+?)(?:_total|_created)? ", metrics, re.MULTILINE))
    # The outbox's age as a whole is the largest of its subscribers'.
    assert {family for family in families if not any(name.startswith(family) for name in shown)} == {
        "conduit_outbox_oldest_pending_seconds"
    }


class MeasuredContainer(ModuleContainer):
    calls = providers.Singleton(Counter)
    seconds = providers.Singleton(Histogram)


async def count_deliveries(container: MeasuredContainer) -> float:
    """Return a number of the database."""
    async with container.database().snapshot() as session:
        return float(await session.scalar(text("SELECT 40 + 2")) or 0)


async def fail(_container: MeasuredContainer) -> float:
    raise LookupError


def fail_at_once(_container: MeasuredContainer) -> float:
    raise LookupError


class TestModuleMetrics:
    MODULE = Module(
        name="measured",
        container=MeasuredContainer,
        gauges=[
            AsyncGauge("answers", "Read from the database", count_deliveries),
            AsyncGauge("failing", "Fails", fail),
            Gauge("broken", "Fails, too", fail_at_once),
            Gauge("constant", "Does not fail", lambda _container: 7),
        ],
        counters=[CounterMetric("calls", "Calls", lambda container: container.calls())],
        histograms=[
            HistogramMetric("call_seconds", "Durations", lambda container: container.seconds(), (1.0, 10.0))
        ],
    )

    async def test_counters_and_histograms_have_what_was_recorded(self) -> None:
        async with boot_module(self.MODULE, {}) as module:
            container: Any = module.container
            container.calls().increment()
            container.calls().increment(2)
            for seconds in (0.5, 5):
                container.seconds().record(seconds)
            values = await samples(Api(module.application))
        assert values["conduit_measured_calls_total", of()] == 3
        assert values["conduit_measured_call_seconds_sum", of()] == 5.5
        assert values["conduit_measured_call_seconds_bucket", of(le="1.0")] == 1
        assert values["conduit_measured_call_seconds_bucket", of(le="10.0")] == 2

    async def test_gauge_is_read_from_the_database(self) -> None:
        async with boot_module(self.MODULE, {}) as module:
            values = await samples(Api(module.application))
        assert values["conduit_measured_answers", of()] == 42

    async def test_failing_gauge_is_nan_and_affects_no_other(self) -> None:
        async with boot_module(self.MODULE, {}) as module:
            values = await samples(Api(module.application))
        assert math.isnan(values["conduit_measured_failing", of()])
        assert math.isnan(values["conduit_measured_broken", of()])
        assert values["conduit_measured_constant", of()] == 7

    def test_counter_does_not_decrease(self) -> None:
        with pytest.raises(ValueError, match="only grows"):
            Counter().increment(-1)
