"""How traces leave: in batches, by OTLP over HTTP. Needs the extra `traces`, and is imported by need."""

from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from conduit_app.observability.tracing import Tracing

UNNAMED = "unknown_service"


def exported_traces() -> Tracing:
    """Return traces that go where the environment says, sampled and named as it says."""
    resource = Resource.create({SERVICE_VERSION: version("conduit")})
    if str(resource.attributes[SERVICE_NAME]).startswith(UNNAMED):
        resource = resource.merge(Resource({SERVICE_NAME: "conduit"}))
    # Shut down with the application, which waits for it, and not by a process that is about to end.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
