"""Health checks, metrics, tracing and logging."""
