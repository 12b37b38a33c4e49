"""The tables of the kernel: events that are told after the commit, and requests that may be sent again.

Whoever imports the schema imports all of its tables.
"""

from pathlib import Path

from modules.kernel.infrastructure.declarative_base import Base
from modules.kernel.infrastructure.idempotency_table import IdempotencyKeyRow
from modules.kernel.infrastructure.messaging.tables import DeliveryRow
from modules.kernel.infrastructure.persistence.schema import Schema

__all__ = ["SCHEMA", "DeliveryRow", "IdempotencyKeyRow"]

SCHEMA = Schema(Base.metadata, Path(__file__).parent / "migrations")
