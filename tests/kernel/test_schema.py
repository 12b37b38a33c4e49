"""Moments in the database."""

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Dialect

from modules.kernel.fakes import NOON
from modules.kernel.infrastructure.persistence.engines import open_engines
from modules.kernel.infrastructure.persistence.schema import UtcDateTime

IN_KATHMANDU = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
SQLITE = open_engines("sqlite+aiosqlite://").write.dialect
POSTGRESQL = open_engines("postgresql+psycopg://localhost").write.dialect
DIALECTS = pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=lambda dialect: dialect.name)


def stored(moment: datetime | None, dialect: Dialect) -> datetime | None:
    return UtcDateTime().process_bind_param(moment, dialect)


def loaded(value: datetime | None, dialect: Dialect) -> datetime | None:
    return UtcDateTime().process_result_value(value, dialect)


@DIALECTS
@pytest.mark.parametrize("moment", [NOON, IN_KATHMANDU])
def test_a_moment_comes_back_as_itself_in_utc(dialect: Dialect, moment: datetime) -> None:
    back = loaded(stored(moment, dialect), dialect)
    assert back == moment
    assert back is not None
    assert back.utcoffset() == timedelta(0)


@DIALECTS
def test_no_moment_stays_none(dialect: Dialect) -> None:
    assert stored(None, dialect) is None
    assert loaded(None, dialect) is None


def test_sqlite_stores_utc_so_that_text_sorts_by_time() -> None:
    assert stored(IN_KATHMANDU, SQLITE) == NOON.replace(tzinfo=None)
