"""The declarative base of the kernel's tables."""

from sqlalchemy.orm import DeclarativeBase

from modules.kernel.infrastructure.persistence.schema import module_metadata


class Base(DeclarativeBase):
    """The declarative base of the kernel."""

    metadata = module_metadata()
