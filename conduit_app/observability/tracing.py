"""Traces: what a request did, step by step, for a collector that speaks OTLP.

FastAPI makes the span of a request, from the caller's `traceparent` on. Here each step within it gets one,
named by its module: `articles.publishing.publish`. Operators switch them on by OpenTelemetry's own
variables (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). While they
are off, nothing is wrapped and FastAPI asks for no tracer.
"""

import asyncio
import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import wraps
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from dependency_injector import providers
from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.trace import Span, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_app.composition import Composition
from conduit_app.settings import SettingsError
from modules.kernel.domain.errors import DomainError, Unavailable

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTER = "OTEL_TRACES_EXPORTER"
PROTOCOL = "http/protobuf"
# What sends them: the extra `traces`.
NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
# How long an end waits for a collector. It is added to the time in which a server answers what it has begun.
FLUSH_TIMEOUT_SECONDS = 5
CLOSING = "closing traces"
PROBES = ("/health/", "/metrics")
OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""What FastAPI is told while there are no traces: it looks for no provider then, request by request."""

Step = Callable[..., Awaitable[Any]]


def wanted() -> str | None:
    """Return where the environment says that traces go, without credentials, or None if they are off.

    Raises `SettingsError` for what Conduit cannot send by, or when the extra is not installed.
    """
    exporter = os.environ.get(EXPORTER, "otlp").strip().lower()
    name = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if name is None or exporter == "none" or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if exporter != "otlp":
        raise SettingsError(f"{EXPORTER}: Conduit sends traces by otlp, or none")
    by = next((by for by in PROTOCOLS if os.environ.get(by)), None)
    if by is not None and os.environ[by] != PROTOCOL:
        raise SettingsError(f"{by}: Conduit sends traces by {PROTOCOL}")
    collector = _collector(os.environ[name])
    if collector is None:
        raise SettingsError(f"{name}: this is no URL of a collector; one is http://127.0.0.1:4318")
    if not _can_send():
        raise SettingsError(f"{name}: to send traces, install conduit[traces] (requirements/traces.txt)")
    return collector


def _collector(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        # No address, or no port, that there can be.
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _can_send() -> bool:
    try:
        return all(find_spec(name) is not None for name in NEEDED)
    except ModuleNotFoundError:
        # Not even what it would lie in.
        return False


class Tracing:
    """Makes the spans of one application, and sends them by the provider of its tracers."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("conduit")

    @property
    def telemetry(self) -> TelemetryConfig:
        """What FastAPI is told: to make the spans of requests, but for those of probes, and nothing else."""
        return {
            **OFF,
            "tracing": True,
            "tracer_provider": self._provider,
            "operation_spans": False,
            "exclude": _is_probe,
        }

    def follow(self, composition: Composition) -> None:
        """Let every step that a module's services offer be a span: `module.service.step`."""
        for module in composition.modules:
            container = composition.containers[module.name]
            for name, provider in container.providers.items():
                if isinstance(provider, providers.Singleton):
                    self._follow(f"{module.name}.{name}", provider())

    def _follow(self, name: str, service: object) -> None:
        if not hasattr(service, "__dict__"):
            return
        for step, _ in inspect.getmembers(type(service), inspect.iscoroutinefunction):
            if not step.startswith("_"):
                # On this one object: another application in the process may go untraced.
                setattr(service, step, self._spanning(f"{name}.{step}", getattr(service, step)))

    def _spanning(self, name: str, step: Step) -> Step:
        @wraps(step)
        async def spanning(*arguments: Any, **options: Any) -> Any:
            with self._tracer.start_as_current_span(
                name, record_exception=False, set_status_on_exception=False
            ) as span:
                try:
                    return await step(*arguments, **options)
                except Exception as error:
                    _note(span, error)
                    raise

        return spanning

    async def close(self) -> None:
        """Send what has not been sent, for `CLOSE_SECONDS` at most; the rest is lost."""
        if not callable(shutdown := getattr(self._provider, "shutdown", None)):
            return
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            try:
                shutdown()
            finally:
                # When the loop is closed, nobody waits any more.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(closed.set)

        # A thread that nobody joins: loops and the interpreter wait for those of executors as they end.
        threading.Thread(target=close, name=CLOSING, daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_TIMEOUT_SECONDS):
                await closed.wait()


class RouteSpanMiddleware:
    """Tells the span of a request which route and module it was, also if the answer was kept.

    And takes the values out of its query, which may be anything; their names stay.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[object, tuple[str, str]]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and name its span when it is answered."""
        span = trace.get_current_span()
        if scope["type"] != "http" or not span.is_recording():
            await self._app(scope, receive, send)
            return
        if scope["query_string"]:
            span.set_attribute("url.query", _redacted(scope["query_string"]))

        async def naming(message: Message) -> None:
            if message["type"] == "http.response.start" and scope.get("endpoint") in self._routes:
                route, module = self._routes[scope["endpoint"]]
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes({"http.route": route, "conduit.module": module})
            await send(message)

        await self._app(scope, receive, naming)


def add_trace(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the trace that a log line belongs to into it: a processor of structlog's."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
        line["span_id"] = trace.format_span_id(context.span_id)
    return line


def _note(span: Span, error: Exception) -> None:
    # Its kind, and not what it says: that may be somebody's data. The log has it, by the same trace.
    span.set_attribute("error.type", f"{type(error).__module__}.{type(error).__qualname__}")
    # A rule that a caller did not meet is an answer, and no failure of the step.
    if not isinstance(error, DomainError) or isinstance(error, Unavailable):
        span.set_status(StatusCode.ERROR)


def _redacted(query: bytes) -> str:
    parts = (part.partition("=") for part in query.decode("latin-1").split("&"))
    # Without an equals sign, the whole is a value.
    return "&".join(f"{name}=REDACTED" if equals else "REDACTED" for name, equals, _ in parts)


def _is_probe(scope: Mapping[str, Any]) -> bool:
    return str(scope["path"]).startswith(PROBES)
