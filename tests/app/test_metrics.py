"""What operators watch."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.client import Api

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana-dashboard.json"
REQUESTS = "conduit_http_request_duration_seconds_count"

Labels = frozenset[tuple[str, str]]


async def gauges(api: Api) -> dict[tuple[str, Labels], float]:
    """Return every figure by its name and labels."""
    answer = await api.outside("GET", "/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def grown(api: Api, before: dict[tuple[str, Labels], float], name: str) -> dict[Labels, float]:
    """Return by how much each figure of this name has grown, where it has."""
    now = await gauges(api)
    differences = {key: value - before.get(key, 0) for key, value in now.items() if key[0] == name}
    return {labels: by for (_, labels), by in differences.items() if by}


def of(**labels: str) -> Labels:
    return frozenset(labels.items())


async def test_a_request_is_counted_by_its_route_and_module(api: Api) -> None:
    await api.as_user("jake").publish("Dragons")
    before = await gauges(api)
    await api.get("/articles/dragons")
    await api.get("/articles/knights")
    counted = await grown(api, before, REQUESTS)
    route = {"method": "GET", "route": "/api/articles/{slug}", "module": "articles"}
    assert counted[of(**route, status="200")] == 1
    assert counted[of(**route, status="404")] == 1


@pytest.mark.parametrize("path", ["/api/nowhere/1", "/api/nowhere/2", "/elsewhere"])
async def test_what_callers_make_up_is_one_label(api: Api, path: str) -> None:
    before = await gauges(api)
    await api.outside("BREW", path)
    counted = await grown(api, before, REQUESTS)
    assert counted[of(method="other", route="other", module="other", status="404")] == 1


async def test_statements_are_counted_for_the_module_that_owns_the_table(api: Api) -> None:
    dragons = await api.as_user("jake").publish("Dragons")
    before = await gauges(api)
    await api.as_user("jake").comment(dragons)
    counted = await grown(api, before, "conduit_sql_statements_total")
    assert {"comments", "articles", "users"} <= {dict(labels)["module"] for labels in counted}
    took = await grown(api, before, "conduit_sql_duration_seconds_total")
    assert 0 < took[of(module="comments")] < 10


async def test_no_connection_stays_in_use(api: Api) -> None:
    await api.as_user("jake").publish("Dragons")
    in_use = {
        labels: value
        for (name, labels), value in (await gauges(api)).items()
        if name == "conduit_database_connections_in_use"
    }
    assert in_use
    assert set(in_use.values()) == {0}


async def test_the_outbox_the_database_and_the_modules_figures_are_told(api: Api) -> None:
    told = await gauges(api)
    assert told["conduit_database_up", of()] == 1
    for state in ("waiting", "dead", "orphaned"):
        assert told["conduit_outbox_deliveries", of(state=state)] == 0
    assert told["conduit_outbox_oldest_pending_seconds", of()] == 0
    assert told["conduit_users_password_hashes_pending", of()] == 0


async def test_the_document_of_the_api_does_not_mention_it(api: Api) -> None:
    assert "/metrics" not in (await api.outside("GET", "/openapi.json")).json()["paths"]


async def test_the_dashboard_shows_only_what_there_is(api: Api) -> None:
    await api.get("/tags")
    there = {name for name, _ in await gauges(api)}
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(asked) >= 8
    for expression in asked:
        names = set(re.findall(r"conduit_\w+", expression))
        assert names, expression
        assert names <= there, expression
