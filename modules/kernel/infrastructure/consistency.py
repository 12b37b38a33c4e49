"""Consistency checks of counters and references, for the tables of any module.

They read tables in pages by key, each in a snapshot of its own, so that memory is bounded and no page sees
half of a transaction.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Container, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, delete, func, literal, select, tuple_, union, update
from sqlalchemy.orm import DeclarativeBase

from modules.kernel.domain.consistency import Difference
from modules.kernel.domain.errors import ConcurrencyConflict
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import insert_or_ignore

# Keys per page. A page of users has their bios, at most 500 times 12 KB.
PAGE_SIZE = 500
# Rows per transaction.
DELETE_BATCH_SIZE = 1_000
MAX_ATTEMPTS = 5

ResultT = TypeVar("ResultT")
Values = Mapping[str, ColumnElement[Any]]
Expected = Callable[[ColumnElement[Any], Values], Values]
Existing = Callable[[Collection[Any]], Awaitable[Container[Any]]]
DeleteTarget = Callable[[Any], Awaitable[None]]


async def scan(
    database: Database,
    keys: Sequence[ColumnElement[Any]],
    compare: Callable[[Sequence[Any]], Awaitable[ResultT]],
) -> AsyncIterator[ResultT]:
    """Yield what `compare` returns for each page of the distinct values of these columns.

    `compare` is called with a page of values in ascending order, in the snapshot that has read them.
    Each column must be the first of an index.
    """
    page: Sequence[Any] = ()
    while True:
        async with database.snapshot() as session:
            page = (await session.scalars(_page(keys, page[-1] if page else None))).all()
            result = await compare(page)
        yield result
        if len(page) < PAGE_SIZE:
            return


async def retrying(work: Callable[..., Awaitable[ResultT]], *arguments: object) -> ResultT:
    """Return the result of a transaction, repeated after a `ConcurrencyConflict`, five times at most."""
    for _ in range(1, MAX_ATTEMPTS):
        try:
            return await work(*arguments)
        except ConcurrencyConflict:
            continue
    return await work(*arguments)


class CounterCheck:
    """Compares stored counts with what they are computed from.

    row, key: the mapped class with the counts, and its primary key.
    expected: returns the right values by column, from the expression of a key and of the stored values.
    counted: other columns with such keys. A key that has no row there stands for counts of zero.
    """

    problem = "wrong counts"

    def __init__(
        self,
        database: Database,
        row: type[DeclarativeBase],
        key: str,
        expected: Expected,
        counted: Sequence[ColumnElement[Any]] = (),
    ) -> None:
        self._database = database
        self._row = row
        self._table = row.metadata.tables[row.__tablename__]
        self._key = self._table.c[key]
        self._expected = expected
        self._keys = [self._key, *counted]
        self._right = expected(self._key, dict(self._table.c.items()))
        self._stored = {name: self._table.c[name] for name in self._right}
        self._statement = select(self._key, *self._stored.values(), *self._right.values())

    @property
    def columns(self) -> Sequence[str]:
        return [str(column) for column in self._stored.values()]

    async def differences(self) -> AsyncIterator[Difference]:
        async for differing in scan(self._database, self._keys, self._differing):
            for key, difference in differing.items():
                yield Difference(f"{self._key.name} {key} has {difference}")

    async def repair(self) -> int:
        repaired = 0
        async for differing in scan(self._database, self._keys, self._differing):
            if differing:
                await retrying(self._recompute, list(differing))
                repaired += len(differing)
        return repaired

    async def _differing(self, keys: Sequence[Any]) -> Mapping[Any, str]:
        """Return the keys whose counts differ, each with the stored and the expected values."""
        async with self._database.snapshot() as session:
            rows = {
                key: values
                for key, *values in await session.execute(self._statement.where(self._key.in_(keys)))
            }
            for key in keys:
                if key not in rows:
                    rows[key] = list((await session.execute(self._statement_without_row(key))).one())
        differing = {}
        for key, values in rows.items():
            pairs = zip(self._stored, values, values[len(self._stored) :], strict=False)
            wrong = [
                f"{name} {stored} instead of {right}" for name, stored, right in pairs if stored != right
            ]
            if wrong:
                differing[key] = ", ".join(wrong)
        return differing

    def _statement_without_row(self, key: Any) -> Select[*tuple[Any, ...]]:
        zeros = {name: literal(self._zero(name), column.type) for name, column in self._stored.items()}
        values = self._expected(literal(key, self._key.type), zeros)
        return select(*zeros.values(), *values.values())

    async def _recompute(self, keys: Sequence[Any]) -> None:
        async with self._database.transaction() as session:
            if len(self._keys) > 1:
                zeros = {name: self._zero(name) for name in self._stored}
                rows = [{self._key.name: key, **zeros} for key in keys]
                await self._database.execute_many(insert_or_ignore(self._database.dialect, self._row), rows)
            locked = select(self._key).where(self._key.in_(keys)).order_by(self._key).with_for_update()
            await session.execute(locked)
            # After the lock and in a statement of its own. A transaction that has changed counted rows has
            # either updated these counts before the lock, and its rows are visible now, or its rows are
            # not visible and it adds to the new counts afterwards.
            await session.execute(update(self._table).where(self._key.in_(keys)).values(dict(self._right)))

    def _zero(self, name: str) -> int | None:
        return None if self._table.c[name].nullable else 0


class ReferenceCheck:
    """Finds rows whose target, in another module, is missing. Ids are never reused, so it stays missing.

    row, column: the mapped class and its column with the id of the target.
    target: the noun for messages: user.
    existing: returns those of some ids that exist, or a mapping by them.
    ignored: values that refer to nothing.
    delete: deletes the module's data about one missing target; default: the rows, in batches.
    """

    def __init__(  # noqa: PLR0913 - two of them are optional
        self,
        database: Database,
        row: type[DeclarativeBase],
        column: str,
        target: str,
        existing: Existing,
        *,
        ignored: Collection[int] = (),
        delete: DeleteTarget | None = None,
    ) -> None:
        self._database = database
        self._table = row.metadata.tables[row.__tablename__]
        self._column = self._table.c[column]
        self._target = target
        self._existing = existing
        self._ignored = ignored
        self._delete = delete

    @property
    def columns(self) -> Sequence[str]:
        return [str(self._column)]

    @property
    def problem(self) -> str:
        return f"rows of a missing {self._target}"

    async def differences(self) -> AsyncIterator[Difference]:
        async for missing in scan(self._database, [self._column], self._missing):
            for key, rows in missing.items():
                yield Difference(f"{self._target} {key}: {rows}", rows)

    async def repair(self) -> int:
        repaired = 0
        async for missing in scan(self._database, [self._column], self._missing):
            if self._delete is None:
                await self._delete_rows(list(missing))
            else:
                for key in missing:
                    await retrying(self._delete, key)
            repaired += sum(missing.values())
        return repaired

    async def _missing(self, ids: Sequence[int]) -> Mapping[int, int]:
        """Return the number of rows by missing id."""
        existing = await self._existing(ids)
        missing = [id_ for id_ in ids if id_ not in existing and id_ not in self._ignored]
        if not missing:
            return {}
        rows = select(self._column, func.count()).where(self._column.in_(missing)).group_by(self._column)
        async with self._database.snapshot() as session:
            return dict((await session.execute(rows.order_by(self._column))).all())

    async def _delete_rows(self, ids: Sequence[int]) -> None:
        key = list(self._table.primary_key)
        batch = select(*key).where(self._column.in_(ids)).limit(DELETE_BATCH_SIZE)
        statement = delete(self._table).where(tuple_(*key).in_(batch)).returning(*key)

        async def delete_batch() -> int:
            async with self._database.transaction() as session:
                return len((await session.execute(statement)).all())

        deleted = len(ids)
        while deleted:
            deleted = await retrying(delete_batch)


def _page(keys: Sequence[ColumnElement[Any]], after: Any) -> Select[*tuple[Any, ...]]:
    """Return the statement of the page after this key, from columns that may have different keys.

    Each part is limited by itself, so that it is read from its index.
    """
    parts = []
    for key in keys:
        part = select(key.label("key")).distinct().where(key.is_not(None))
        if after is not None:
            part = part.where(key > after)
        limited = part.order_by("key").limit(PAGE_SIZE).subquery()
        parts.append(select(limited.c.key))
    page = union(*parts).subquery()
    return select(page.c.key).order_by(page.c.key).limit(PAGE_SIZE)
