"""Tracing: a span for each request and for each operation of a module's services, sent by OTLP.

FastAPI creates the span of a request; here each operation within it gets one, named
`module.service.operation`. Tracing is enabled by OpenTelemetry's own variables
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). While it is disabled,
nothing is wrapped.
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
from conduit_app.distribution import DISTRIBUTION
from conduit_app.served_route import ServedRoute
from conduit_app.settings import SettingsError
from modules.kernel.domain.errors import DomainError, Unavailable

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTER = "OTEL_TRACES_EXPORTER"
PROTOCOL = "http/protobuf"
# Installed by the extra `traces`.
REQUIRED_PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
# How long a shutdown waits for the collector, after the graceful shutdown of the server.
FLUSH_TIMEOUT_SECONDS = 5
FLUSH_THREAD = "flush traces"
PROBES = ("/health/", "/metrics")
TELEMETRY_OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's configuration without tracing: otherwise it looks for a provider at every request."""

Operation = Callable[..., Awaitable[Any]]


def trace_collector() -> str | None:
    """Return the collector's URL of the environment, without credentials, or None if tracing is disabled.

    Raises `SettingsError` for an unsupported exporter or protocol, an invalid URL, or a missing extra.
    """
    exporter = os.environ.get(EXPORTER, "otlp").strip().lower()
    name = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if name is None or exporter == "none" or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if exporter != "otlp":
        raise SettingsError(f"{EXPORTER}: must be otlp or none")
    protocol = next((protocol for protocol in PROTOCOLS if os.environ.get(protocol)), None)
    if protocol is not None and os.environ[protocol] != PROTOCOL:
        raise SettingsError(f"{protocol}: must be {PROTOCOL}")
    collector = _collector(os.environ[name])
    if collector is None:
        raise SettingsError(f"{name}: invalid collector URL (example: http://127.0.0.1:4318)")
    if not _exporter_installed():
        raise SettingsError(
            f"{name}: to send traces, install {DISTRIBUTION}[traces] (requirements/traces.txt)"
        )
    return collector


def _collector(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        # An invalid IPv6 address or port.
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _exporter_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in REQUIRED_PACKAGES)
    except ModuleNotFoundError:
        # The parent package is missing.
        return False


class Tracing:
    """Creates the spans of one application, and sends them through its tracer provider."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("conduit")

    @property
    def telemetry(self) -> TelemetryConfig:
        """FastAPI's configuration: spans of requests only, except for health checks and metrics."""
        return {
            **TELEMETRY_OFF,
            "tracing": True,
            "tracer_provider": self._provider,
            "operation_spans": False,
            "exclude": _is_probe,
        }

    def instrument(self, composition: Composition) -> None:
        """Create a span for every public coroutine method of the modules' services."""
        for module in composition.modules:
            container = composition.containers[module.name]
            for name, provider in container.providers.items():
                if isinstance(provider, providers.Singleton):
                    self._instrument(f"{module.name}.{name}", provider())

    def _instrument(self, name: str, service: object) -> None:
        if not hasattr(service, "__dict__"):
            return
        for method, _ in inspect.getmembers(type(service), inspect.iscoroutinefunction):
            if not method.startswith("_"):
                # On the instance: another application in this process may run without tracing.
                setattr(service, method, self._traced(f"{name}.{method}", getattr(service, method)))

    def _traced(self, name: str, operation: Operation) -> Operation:
        @wraps(operation)
        async def traced(*arguments: Any, **options: Any) -> Any:
            with self._tracer.start_as_current_span(
                name, record_exception=False, set_status_on_exception=False
            ) as span:
                try:
                    return await operation(*arguments, **options)
                except Exception as error:
                    _record_error(span, error)
                    raise

        return traced

    async def close(self) -> None:
        """Send the remaining spans, for at most `FLUSH_TIMEOUT_SECONDS`; the rest is lost."""
        if not callable(shutdown := getattr(self._provider, "shutdown", None)):
            return
        loop, flushed = asyncio.get_running_loop(), asyncio.Event()

        def flush() -> None:
            try:
                shutdown()
            finally:
                # The loop is closed if the wait timed out.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(flushed.set)

        # A daemon thread: the loop and the interpreter would wait for a thread of an executor.
        threading.Thread(target=flush, name=FLUSH_THREAD, daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_TIMEOUT_SECONDS):
                await flushed.wait()


class RouteSpanMiddleware:
    """An ASGI middleware that sets a span's route and module, also for responses from the cache.

    It redacts the values of the query string, which may be personal data; the names stay.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[object, ServedRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and name the span when the response starts."""
        span = trace.get_current_span()
        if scope["type"] != "http" or not span.is_recording():
            await self._app(scope, receive, send)
            return
        if scope["query_string"]:
            span.set_attribute("url.query", _redacted(scope["query_string"]))

        async def send_and_name_span(message: Message) -> None:
            if message["type"] == "http.response.start" and scope.get("endpoint") in self._routes:
                route, module, _ = self._routes[scope["endpoint"]]
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes({"http.route": route, "conduit.module": module})
            await send(message)

        await self._app(scope, receive, send_and_name_span)


def add_trace(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the trace id and span id to a log line: a structlog processor."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
        line["span_id"] = trace.format_span_id(context.span_id)
    return line


def _record_error(span: Span, error: Exception) -> None:
    # The type only: the message may contain personal data. The log has it, under the same trace id.
    span.set_attribute("error.type", f"{type(error).__module__}.{type(error).__qualname__}")
    # A domain error is a result, not a failure of the operation.
    if not isinstance(error, DomainError) or isinstance(error, Unavailable):
        span.set_status(StatusCode.ERROR)


def _redacted(query: bytes) -> str:
    parts = (part.partition("=") for part in query.decode("latin-1").split("&"))
    # Without an equals sign, all of it is a value.
    return "&".join(f"{name}=REDACTED" if equals else "REDACTED" for name, equals, _ in parts)


def _is_probe(scope: Mapping[str, Any]) -> bool:
    return str(scope["path"]).startswith(PROBES)
