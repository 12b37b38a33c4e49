"""Moments in the database: UtcDateTime."""

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Dialect

from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.engines import open_engines
from modules.kernel.infrastructure.persistence.schema import UtcDateTime

IN_KATHMANDU = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
SQLITE = open_engines("sqlite+aiosqlite://").write.engine.dialect
POSTGRESQL = open_engines("postgresql+psycopg://localhost").write.engine.dialect
DIALECTS = pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=lambda dialect: dialect.name)


def store(moment: datetime | None, dialect: Dialect) -> object:
    convert = UtcDateTime().bind_processor(dialect)
    return moment if convert is None else convert(moment)


def load(value: object, dialect: Dialect) -> datetime | None:
    return UtcDateTime().result_processor(dialect, None)(value)


@DIALECTS
@pytest.mark.parametrize("moment", [NOON, IN_KATHMANDU])
def test_stored_moment_is_loaded_in_utc(dialect: Dialect, moment: datetime) -> None:
    restored = load(store(moment, dialect), dialect)
    assert restored == moment
    assert restored is not None
    assert restored.utcoffset() == timedelta(0)


@DIALECTS
def test_none_is_stored_as_none(dialect: Dialect) -> None:
    assert store(None, dialect) is None
    assert load(None, dialect) is None


def test_sqlite_stores_utc_without_time_zone() -> None:
    assert store(IN_KATHMANDU, SQLITE) == "2026-01-31 12:00:00.000000"
