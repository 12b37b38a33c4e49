"""The table of the revisions that have been applied, by which older releases know whether they can serve."""

from sqlalchemy.orm import Mapped, mapped_column

from modules.kernel.infrastructure.declarative_base import Base


class AppliedRevisionRow(Base):
    """A revision of a module's tables, stored by each migration.

    A release that does not know the last one, because it is older, works on the tables if all of its own
    revisions are here, and if it has all that are required.
    """

    __tablename__ = "kernel_applied_revision"

    module: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[str] = mapped_column(primary_key=True)
    required: Mapped[bool]
    """Whether a release without it does not work on the tables."""
