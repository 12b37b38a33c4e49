"""The table of periodic jobs."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from modules.kernel.infrastructure.declarative_base import Base
from modules.kernel.infrastructure.persistence.schema import UtcDateTime


class JobRow(Base):
    """The schedule of one job, inserted by the process that runs it first."""

    __tablename__ = "kernel_job"

    name: Mapped[str] = mapped_column(primary_key=True)
    """The name of the module, a slash, and the name of the job."""

    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it may be claimed; of a claimed job, when its lease expires."""

    claimed_by: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it last finished without an error and with nothing left to do."""

    failures: Mapped[int]
    """The number of failures since then."""

    last_error: Mapped[str | None]
