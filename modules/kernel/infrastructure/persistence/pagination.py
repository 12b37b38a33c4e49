"""Offset and keyset pagination in SQL, of lists that are newest first."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, BindParameter, ColumnElement, bindparam, tuple_

from modules.kernel.domain.pagination import PageRequest
from modules.kernel.infrastructure.persistence.schema import UtcDateTime

LIMIT: BindParameter[int] = bindparam("rows")
OFFSET: BindParameter[int] = bindparam("offset")
LAST: BindParameter[int] = bindparam("last", type_=BigInteger)
# Offsets go to the largest BIGINT, beyond which the database cannot add.
MAX_LAST = 2**62


def after_position(time: ColumnElement[datetime], key: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a row is after the position bound by `page_parameters`."""
    return tuple_(time, key) < tuple_(bindparam("at", type_=UtcDateTime()), bindparam("id"))


def page_parameters(page: PageRequest) -> Mapping[str, object]:
    """Return the parameters of a page's statement: one row more than the limit, and offset or position.

    `last` is the offset of that row.
    """
    rows = {"rows": page.limit + 1, "last": min(page.offset + page.limit, MAX_LAST)}
    if page.after is None:
        return {**rows, "offset": page.offset}
    return {**rows, "at": page.after.at, "id": page.after.id}
