"""What an error of a driver means: SQLite's result codes, and the SQLSTATEs of PostgreSQL."""

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
    }
)
# SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html), and what they begin with.
CONFLICT_STATES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
NAMED_STATES = frozenset({"23505", "23514"})  # UNIQUE, CHECK
UNAVAILABLE_STATES = (
    "08",  # the connection
    "25006",  # read-only, as a server is that was a replica
    "25P03",  # idle for too long
    "53",  # out of memory, disk or connections
    "55P03",  # locked for too long
    "57",  # ended by an operator, or by a timeout
    "58",  # the system around it
)


def is_unavailable(error: DBAPIError) -> bool:
    """Return whether the database could not be used, for a reason that may pass.

    It is gone, damaged, locked for too long, out of space or read-only; not: the statement was wrong.
    """
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & PRIMARY_CODE in UNAVAILABLE
    state = _state(error)
    if state is not None:
        return state.startswith(UNAVAILABLE_STATES)
    # Without a code it is no answer of the database, but of the way there. The driver calls an unknown
    # option in the URL a programming error; there is no statement then.
    return error.statement is None or isinstance(error, OperationalError | InterfaceError)


def is_conflict(error: DBAPIError) -> bool:
    """Return whether everything was undone because of others, so that doing it again may work."""
    return _state(error) in CONFLICT_STATES


def violated_constraint(error: IntegrityError) -> str | None:
    """Return the name of the UNIQUE or CHECK that a statement broke, or None when it broke another one.

    PostgreSQL says the name, of others too. SQLite says it of CHECK only; of UNIQUE it says the
    columns, from which the naming convention makes the name.
    """
    state = _state(error)
    if state is not None:
        told: Any = error.orig
        name: str | None = told.diag.constraint_name if state in NAMED_STATES else None
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
