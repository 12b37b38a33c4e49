"""The SQLAlchemy base of the kernel's tables."""

from sqlalchemy.orm import DeclarativeBase

from modules.kernel.infrastructure.persistence.schema import module_metadata


class Base(DeclarativeBase):
    """The base class of the kernel's mapped classes."""

    metadata = module_metadata()
