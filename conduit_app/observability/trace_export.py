"""Exporting spans in batches, by OTLP over HTTP. Needs the extra `traces`; imported only if enabled."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from conduit_app.distribution import installed_version
from conduit_app.observability.tracing import Tracing

UNNAMED = "unknown_service"


def create_tracing() -> Tracing:
    """Return tracing that is configured by OpenTelemetry's environment variables."""
    resource = Resource.create({SERVICE_VERSION: installed_version()})
    if str(resource.attributes[SERVICE_NAME]).startswith(UNNAMED):
        resource = resource.merge(Resource({SERVICE_NAME: "conduit"}))
    # Shut down by the application, which bounds the time, not by an exit handler of the process.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
