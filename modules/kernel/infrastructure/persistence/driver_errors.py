"""Classification of driver errors by SQLite's result codes and PostgreSQL's SQLSTATEs."""

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

# SQLite's result codes; the low byte of an extended code is its primary one.
PRIMARY_CODE = 0xFF
UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_INTERRUPT,
    }
)
# SQLSTATEs and their prefixes: https://www.postgresql.org/docs/current/errcodes-appendix.html
CONFLICT_STATES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
NAMED_STATES = frozenset({"23505", "23514"})  # UNIQUE, CHECK
# Not supported, no such function, not permitted.
UNSUPPORTED_STATES = frozenset({"0A000", "42883", "42501"})
# UNIQUE, also of the system catalogs, duplicate table, and duplicate object, such as the type of its rows.
CREATED_STATES = frozenset({"23505", "42P07", "42710"})
# No such prepared statement, or another one.
LOST_STATEMENT_STATES = frozenset({"26000", "42P05"})
UNAVAILABLE_STATES = (
    "08",  # connection exception
    "25006",  # read-only transaction, as on a standby
    "25P03",  # idle-in-transaction timeout
    "53",  # insufficient resources
    "55P03",  # lock timeout
    "57",  # operator intervention, statement timeout
    "58",  # system error
)


def is_unavailable(error: DBAPIError) -> bool:
    """Return whether the database cannot be used, and not whether the statement is wrong.

    It is unreachable, damaged, locked for too long, out of space, too slow or read-only.
    """
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & PRIMARY_CODE in UNAVAILABLE
    state = _state(error)
    if state is not None:
        return state.startswith(UNAVAILABLE_STATES)
    # Without a code, the error is of the connection and not of the server.
    return error.statement is None or isinstance(error, OperationalError | InterfaceError)


def is_conflict(error: DBAPIError) -> bool:
    """Return whether a concurrent transaction caused a rollback, so that a retry may succeed."""
    return _state(error) in CONFLICT_STATES


def is_lock_timeout(error: BaseException | None) -> bool:
    """Return whether a statement on PostgreSQL has waited too long for a lock."""
    return isinstance(error, DBAPIError) and _state(error) == "55P03"


def is_unsupported(error: DBAPIError) -> bool:
    """Return whether the server does not have a function, or does not permit its use."""
    return _state(error) in UNSUPPORTED_STATES


def is_created_meanwhile(error: DBAPIError) -> bool:
    """Return whether another transaction has created the same table, or first row of it, at the same time.

    `CREATE TABLE IF NOT EXISTS` looks for the table before it creates it.
    """
    return _state(error) in CREATED_STATES


def is_prepared_statement_lost(error: DBAPIError) -> bool:
    """Return whether the server's statements are not those of this session, as behind some poolers."""
    return _state(error) in LOST_STATEMENT_STATES


def violated_constraint(error: IntegrityError) -> str | None:
    """Return the name of the violated UNIQUE or CHECK constraint, or None for any other constraint.

    PostgreSQL reports the name. SQLite reports it for CHECK only, and for UNIQUE the columns, from which
    the naming convention gives the name.
    """
    state = _state(error)
    if state is not None:
        original: Any = error.orig
        name: str | None = original.diag.constraint_name if state in NAMED_STATES else None
        return name
    kind, _, what = str(error.orig).partition(" constraint failed: ")
    if kind == "CHECK":
        return what
    if kind != "UNIQUE":
        return None
    columns = [column.split(".") for column in what.split(", ")]
    return "_".join(["uq", columns[0][0], *(column for _, column in columns)])


def _state(error: DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state
