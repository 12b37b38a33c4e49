"""The schema of the kernel. Importing it imports all of its tables."""

from pathlib import Path

from modules.kernel.infrastructure.applied_revision_table import AppliedRevisionRow
from modules.kernel.infrastructure.declarative_base import Base
from modules.kernel.infrastructure.idempotency_table import IdempotencyKeyRow
from modules.kernel.infrastructure.job_table import JobRow
from modules.kernel.infrastructure.maintenance_table import MaintenanceRow
from modules.kernel.infrastructure.messaging.tables import DeliveryRow
from modules.kernel.infrastructure.persistence.schema import Schema

__all__ = ["SCHEMA", "AppliedRevisionRow", "DeliveryRow", "IdempotencyKeyRow", "JobRow", "MaintenanceRow"]

SCHEMA = Schema(
    Base.metadata,
    Path(__file__).parent / "migrations",
    unchecked={
        "kernel_delivery.attempts": "attempts are not stored",
        "kernel_job.failures": "failures are not stored",
        "kernel_maintenance.retry_after": "no count",
    },
)
