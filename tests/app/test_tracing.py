"""Tracing: spans of requests and operations, redaction, configuration and shutdown."""

import asyncio
import importlib.util
import io
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.telemetry import _asgi as telemetry
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracerProvider, SpanKind, StatusCode, format_trace_id
from typer.testing import CliRunner
from uvicorn.importer import import_from_string

from conduit_app.application import create_application
from conduit_app.cli import main
from conduit_app.commands.serve import FACTORY
from conduit_app.composition import Composition
from conduit_app.observability import tracing
from conduit_app.observability.tracing import ENDPOINTS, RouteSpanMiddleware, Tracing, trace_collector
from conduit_app.settings import Settings, SettingsError
from modules.articles.domain.service import ArticleService
from tests.client import PASSWORD, Api
from tests.conftest import SECRET, composed

ENDPOINT = ENDPOINTS[1]
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


class Spans:
    """The finished spans."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def clear(self) -> None:
        self._exporter.clear()

    @property
    def all(self) -> list[ReadableSpan]:
        """All finished spans, in the order of their start."""
        return sorted(self._exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    @property
    def request(self) -> ReadableSpan:
        """The span of the request."""
        [span] = [span for span in self.all if span.kind is SpanKind.SERVER]
        return span

    def named(self, name: str) -> ReadableSpan:
        """Return the span of this name."""
        [span] = [span for span in self.all if span.name == name]
        return span


@pytest.fixture(autouse=True)
def without_otel_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
def dedicated_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"log_level": "info", "log_format": "json"})


@pytest.fixture
async def traced(dedicated_settings: Settings) -> AsyncIterator[Composition]:
    """Return a composition of this test alone: instrumenting it must not affect other tests."""
    async with composed(dedicated_settings) as composition:
        yield composition


@pytest.fixture
def application(dedicated_settings: Settings, traced: Composition, spans: Spans) -> FastAPI:
    return create_application(dedicated_settings, traced, Tracing(spans.provider))


@pytest.fixture
def log(application: FastAPI) -> io.StringIO:  # noqa: ARG001 - it configures logging
    """Return the stream of log lines."""
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    file = io.StringIO()
    handler.setStream(file)
    return file


@pytest.fixture
async def jake(api: Api, spans: Spans) -> Api:
    """Return the API as a registered user, without the spans of the registration."""
    jake = api.as_user("jake")
    await jake.token()
    spans.clear()
    return jake


async def test_request_is_a_span_named_by_route_with_module(jake: Api, spans: Spans) -> None:
    await jake.publish("Dragons")
    attributes = dict(spans.request.attributes or {})
    assert spans.request.name == "POST /api/articles"
    assert attributes["http.route"] == "/api/articles"
    assert attributes["conduit.module"] == "articles"
    assert attributes["http.response.status_code"] == 201


async def test_operations_are_child_spans_named_by_module_and_service(jake: Api, spans: Spans) -> None:
    await jake.publish("Dragons")
    use_case = spans.named("articles.service.publish")
    assert spans.request.context is not None
    assert use_case.parent is not None
    assert use_case.context is not None
    assert use_case.parent.span_id == spans.request.context.span_id
    # Operations that it calls, in its own module and in another one.
    for name in ("articles.repository.add", "articles.reader.article_by_id"):
        operation = spans.named(name)
        assert operation.parent is not None
        assert operation.parent.span_id == use_case.context.span_id
    assert "profiles.reader.profiles" in {span.name for span in spans.all}
    assert len({span.context.trace_id for span in spans.all if span.context}) == 1


async def test_trace_id_of_the_caller_is_used(jake: Api, spans: Spans) -> None:
    await jake.get("/articles/feed", headers={"traceparent": TRACEPARENT})
    assert spans.request.context is not None
    assert spans.request.parent is not None
    assert format_trace_id(spans.request.context.trace_id) == TRACE_ID
    assert spans.request.parent.is_remote


async def test_cached_response_is_named_by_route(jake: Api, spans: Spans) -> None:
    for _ in range(2):
        spans.clear()
        assert (await jake.get("/tags")).status_code == 200
        assert spans.request.name == "GET /api/tags"


async def test_domain_error_is_recorded_without_error_status(jake: Api, spans: Spans) -> None:
    assert (await jake.get("/profiles/nobody")).status_code == 404
    operation = spans.named("profiles.profiles.profile")
    assert str((operation.attributes or {})["error.type"]).endswith("NotFound")
    assert {span.status.status_code for span in spans.all} == {StatusCode.UNSET}


async def test_failure_is_recorded_by_type_without_message(
    jake: Api, spans: Spans, traced: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the password is sesame")

    profiles: Any = traced.containers["profiles"]
    monkeypatch.setattr(profiles.follows(), "add", fail)
    await jake.as_user("anna").token()
    assert (await jake.post("/profiles/anna/follow")).status_code == 500
    operation = spans.named("profiles.profiles.follow")
    assert (operation.status.status_code, (operation.attributes or {})["error.type"]) == (
        StatusCode.ERROR,
        "builtins.RuntimeError",
    )
    failed = next(span for span in spans.all if span.name == "POST /api/profiles/{username}/follow")
    assert (failed.status.status_code, (failed.attributes or {})["error.type"]) == (
        StatusCode.ERROR,
        "500",
    )
    assert "sesame" not in exported(spans)


async def test_secrets_bodies_and_query_values_are_in_no_span(jake: Api, spans: Spans) -> None:
    token = await jake.token()
    wrong = {"user": {"email": "jake@example.com", "password": "not my pass phrase"}}
    await jake.post("/users/login", wrong)
    article = await jake.publish("Dragons", body="Burn after reading.")
    await jake.put("/user", {"user": {"password": "a new pass phrase", "bio": "shy"}})
    await jake.get(f"/articles?tag=heartache&token={token}")
    await jake.get("/articles?tag=a&headache")
    assert article["slug"] == "dragons"
    text = exported(spans)
    assert "tag=REDACTED&token=REDACTED" in text
    assert "tag=REDACTED&REDACTED" in text
    for secret in (
        *(
            PASSWORD,
            "not my pass phrase",
            "a new pass phrase",
            "shy",
            "Burn after reading",
            "heartache",
            "headache",
        ),
        *(token, "$argon2", "jake@example.com"),
    ):
        assert secret not in text, secret


async def test_log_lines_have_trace_id_and_span_id(jake: Api, spans: Spans, log: io.StringIO) -> None:
    await jake.get("/user", headers={"traceparent": TRACEPARENT})
    [line] = [json.loads(line) for line in log.getvalue().splitlines() if '"/api/user"' in line]
    assert line["trace_id"] == TRACE_ID
    assert spans.request.context is not None
    assert int(line["span_id"], 16) == spans.request.context.span_id


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_health_checks_and_metrics_are_not_traced(api: Api, spans: Spans, path: str) -> None:
    assert (await api.outside("GET", path)).status_code == 200
    assert spans.all == []


async def test_no_tracing_code_runs_while_disabled(dedicated_settings: Settings) -> None:
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    async with composed(dedicated_settings) as untraced:
        jake = Api(create_application(dedicated_settings, untraced)).as_user("jake")
        await jake.token()
        sys.setprofile(note)
        try:
            await jake.publish("Dragons")
        finally:
            sys.setprofile(None)
    assert ArticleService.publish.__code__ in called
    assert not [code for code in called if code.co_filename == tracing.__file__]
    # FastAPI checks once whether it is enabled.
    assert {code.co_name for code in called if code.co_filename == telemetry.__file__} == {
        "enabled",
        "__call__",
    }


class TestConfiguration:
    def test_tracing_is_disabled_by_default(self) -> None:
        assert trace_collector() is None

    @pytest.mark.parametrize("name", ENDPOINTS)
    def test_endpoint_enables_tracing(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv(name, "http://jake:sesame@collector:4318/v1/traces?key=sesame")
        assert trace_collector() == "http://collector:4318"

    @pytest.mark.parametrize(
        ("name", "value"), [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "true")]
    )
    def test_tracing_can_be_disabled_despite_endpoint(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(ENDPOINT, "http://collector:4318")
        monkeypatch.setenv(name, value)
        assert trace_collector() is None

    @pytest.mark.parametrize(
        ("name", "value", "problem"),
        [
            ("OTEL_TRACES_EXPORTER", "zipkin", "must be otlp or none"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "must be http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", "must be http/protobuf"),
            (ENDPOINT, "collector:4318", "invalid collector URL (example: http://127.0.0.1:4318)"),
            (ENDPOINT, "http://[", "invalid collector URL (example: http://127.0.0.1:4318)"),
            (
                ENDPOINT,
                "http://collector:4318x",
                "invalid collector URL (example: http://127.0.0.1:4318)",
            ),
        ],
    )
    def test_invalid_configuration_is_reported_on_one_line(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
    ) -> None:
        monkeypatch.setenv(ENDPOINT, "http://collector:4318")
        monkeypatch.setenv(name, value)
        with pytest.raises(SettingsError) as caught:
            trace_collector()
        assert str(caught.value) == f"{name}: {problem}"

    @pytest.mark.parametrize("missing", ["opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"])
    def test_missing_extra_is_reported_on_one_line(
        self, monkeypatch: pytest.MonkeyPatch, missing: str
    ) -> None:
        find_spec = importlib.util.find_spec

        def without(name: str) -> object:
            return None if name == missing else find_spec(name)

        monkeypatch.setattr("conduit_app.observability.tracing.find_spec", without)
        result = CliRunner().invoke(main, ["serve"], env={ENDPOINT: "http://collector:4318"})
        hint = "to send traces, install realworld-conduit[traces] (requirements/traces.txt)"
        assert (result.exit_code, result.stderr) == (1, f"conduit: {ENDPOINT}: {hint}\n")

    def test_missing_parent_package_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(ENDPOINT, "http://collector:4318")
        monkeypatch.setattr(
            "conduit_app.observability.tracing.REQUIRED_PACKAGES", ("opentelemetry.nowhere.http",)
        )
        with pytest.raises(SettingsError, match="install realworld-conduit"):
            trace_collector()

    async def test_only_the_served_application_is_traced(
        self, dedicated_settings: Settings, traced: Composition, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(ENDPOINT, "http://collector:4318")
        application = create_application(dedicated_settings, traced)
        assert RouteSpanMiddleware not in layers(application)
        monkeypatch.setattr(
            "conduit_app.observability.trace_export.create_tracing", lambda: Tracing(NoOpTracerProvider())
        )
        monkeypatch.setenv("CONDUIT_DATABASE_URL", dedicated_settings.database_url)
        monkeypatch.setenv("CONDUIT_SECRET_KEY", SECRET)
        served: FastAPI = import_from_string(FACTORY)()
        assert RouteSpanMiddleware in layers(served)

    @pytest.mark.slow
    def test_exporter_is_not_imported_while_disabled(self, folder: Path) -> None:
        program = "import sys, conduit_app.application as it; it.asgi_application(); print(*sys.modules)"
        ended = subprocess.run(  # noqa: S603 - the program under test
            [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
        )
        assert "conduit_app.observability.tracing" in ended.stdout.split()
        assert "opentelemetry.sdk" not in ended.stdout.split()
        assert "requests" not in ended.stdout.split()


class Collector:
    """A tracer provider whose shutdown blocks until `resume` is set."""

    def __init__(self) -> None:
        self.resume = threading.Event()
        self.ended = threading.Event()

    def get_tracer(self, *_: object) -> object:
        return NoOpTracerProvider().get_tracer("conduit")

    def shutdown(self) -> None:
        self.resume.wait(30)
        self.ended.set()


class TestShutdown:
    @pytest.fixture
    def collector(self) -> Iterator[Collector]:
        collector = Collector()
        yield collector
        collector.resume.set()

    async def test_remaining_spans_are_sent(self, collector: Collector) -> None:
        collector.resume.set()
        await Tracing(cast("TracerProvider", collector)).close()
        assert collector.ended.is_set()

    def test_unreachable_collector_does_not_delay_exit(
        self, collector: Collector, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tracing, "FLUSH_TIMEOUT_SECONDS", 0.01)
        # `asyncio.run`, as in a server: closing its loop waits for the threads of its executor.
        asyncio.run(Tracing(cast("TracerProvider", collector)).close())
        assert not collector.ended.is_set()
        [thread] = [other for other in threading.enumerate() if other.name == tracing.FLUSH_THREAD]
        assert thread.daemon
        collector.resume.set()
        thread.join(10)
        assert collector.ended.is_set()

    async def test_spans_are_sent_when_closing_the_database_fails(
        self,
        dedicated_settings: Settings,
        traced: Composition,
        collector: Collector,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def fail() -> None:
            raise OSError("disk")

        collector.resume.set()
        application = create_application(
            dedicated_settings, traced, Tracing(cast("TracerProvider", collector))
        )
        with pytest.raises(OSError, match="disk"):
            async with application.router.lifespan_context(application):
                monkeypatch.setattr(traced.database, "dispose", fail)
        monkeypatch.undo()
        assert collector.ended.is_set()


def layers(application: FastAPI) -> list[object]:
    """Return the classes of an application's middleware."""
    return [layer.cls for layer in application.user_middleware]


def exported(spans: Spans) -> str:
    """Return the text of all spans."""
    return "\n".join(span.to_json() for span in spans.all)
