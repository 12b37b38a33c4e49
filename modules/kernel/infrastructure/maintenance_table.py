"""The table of maintenance."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from modules.kernel.infrastructure.declarative_base import Base
from modules.kernel.infrastructure.persistence.schema import UtcDateTime


class MaintenanceRow(Base):
    """The current maintenance: there is a row, with the id 1, while the site is read-only."""

    __tablename__ = "kernel_maintenance"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    retry_after: Mapped[int]
    """In seconds."""
