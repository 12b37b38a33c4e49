"""The checks of the phases of revisions: releases before and after a migration run side by side."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conduit_app.migrations.errors import InvalidRevisionError
from conduit_app.migrations.revision_files import Phase, parse_revision, revision_files
from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.migration_files import MIGRATIONS, released_files
from conduit_devtools.checks.source import Checkout

# Quoted text and comments, whose parentheses do not count; the beginning of a check; parentheses.
TOKEN = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\[[^]]*]|--[^\n]*|/\*.*?\*/|\bCHECK\s*\(|[()]""",
    re.IGNORECASE | re.DOTALL,
)
KEEPS_DELETIONS = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
TABLES = "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name GLOB :own"
COLUMNS = """
    SELECT t.name, c.name, upper(c.type), c."notnull", c.pk, c.dflt_value IS NOT NULL, c.hidden
    FROM sqlite_master t, pragma_table_xinfo(t.name) c WHERE t.type IN ('table', 'view') AND t.name GLOB :own
"""
# What an index computes, and its condition, are in its SQL only. One of a constraint has none.
OTHERS = """
    SELECT t.name, 'unique index', (
        SELECT group_concat(coalesce(x.name, '(expression)') || ' ' || x.coll)
        FROM pragma_index_xinfo(i.name) x WHERE x.key
    ), (SELECT sql FROM sqlite_master WHERE name = i.name), NULL
    FROM sqlite_master t, pragma_index_list(t.name) i
    WHERE t.type = 'table' AND t.name GLOB :own AND i."unique"
    UNION ALL
    SELECT t.name, 'foreign key', f."from", f."table", f.on_delete
    FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table' AND t.name GLOB :own
    UNION ALL
    SELECT tbl_name, type, sql, NULL, NULL FROM sqlite_master
    WHERE type IN ('view', 'trigger') AND tbl_name GLOB :own
"""


def check_phases(checkout: Checkout, base: Base) -> Iterator[Finding]:
    """Yield a finding for each new revision without a phase, or with an expand step that is not released."""
    texts = released_files(checkout, base)
    for module in (checkout.kernel, *checkout.modules):
        folder = module.folder / MIGRATIONS
        try:
            files = revision_files(folder)
            released = {
                parse_revision(path, text.encode()).revision
                for path, text in texts.items()
                if checkout.root / path.parent == folder
            }
        except InvalidRevisionError:
            continue  # the migration of an empty database reports it
        for file in files:
            if file.revision in released:
                continue
            problem = ""
            if file.phase is None:
                problem = "has no phase"
            elif file.phase is Phase.CONTRACT and file.expand_revision is None:
                problem = "is a contract step without an expand_revision"
            elif file.phase is Phase.CONTRACT and file.expand_revision not in released:
                problem = f"contracts {file.expand_revision}, which is not released before it"
            if problem:
                message = f"revision {file.revision} of {module.name} {problem}"
                yield Finding(RULES["migration-phase"], file.path.relative_to(checkout.root), 1, message)


@dataclass(frozen=True)
class TableShapes:
    """The tables and views of one module, with the columns and constraints that statements depend on."""

    tables: frozenset[str]
    columns: Mapping[str, tuple[Any, ...]]
    """By `table.column`: its type, whether it is required, its place in the key, whether it has a default,
    how it is generated."""

    others: frozenset[tuple[str, str, Any]]
    """Views, triggers, unique indexes, foreign keys and checks: the table, what it is, and its details."""

    @classmethod
    def of(cls, connection: sqlite3.Connection, module: str) -> "TableShapes":
        """Return those of the module's tables."""
        own = {"own": f"{module}_*"}
        tables = dict(connection.execute(TABLES, own).fetchall())
        columns = {
            f"{table}.{name}": tuple(details) for table, name, *details in connection.execute(COLUMNS, own)
        }
        others: set[tuple[str, str, Any]] = {
            (table, what, tuple(details)) for table, what, *details in connection.execute(OTHERS, own)
        }
        others |= {(table, "check", check) for table, sql in tables.items() for check in _checks(sql)}
        return cls(frozenset(tables), columns, frozenset(others))


@dataclass(frozen=True)
class ExpandStep:
    """The tables before and after an expand step. The previous release inserts no values into new columns."""

    before: TableShapes
    after: TableShapes

    def restrictions(self) -> str:
        """Return what was removed or added that breaks statements of the previous release, by name."""
        found = {f"table {table}" for table in self.before.tables - self.after.tables}
        found |= {f"column {name}" for name in self._columns()}
        for table, what, details in self.before.others ^ self.after.others:
            is_new = (table, what, details) in self.after.others
            if table in self.after.tables and self._breaks(what, table, details, is_new=is_new):
                found.add(f"{what} of {table}")
        return ", ".join(sorted(found))

    def _columns(self) -> Iterator[str]:
        """Yield the columns that were removed or changed, and the new ones that need a value."""
        for name, (*details, has_default, generated) in self.before.columns.items():
            if name.partition(".")[0] in self.after.tables:
                *now, has_default_now, generated_now = self.after.columns.get(name, (None, False, None))
                lost_default = has_default and not has_default_now
                if (now, generated_now) != (details, generated) or lost_default:
                    yield name
        for name in self.after.columns.keys() - self.before.columns.keys():
            _, is_required, _, has_default, generated = self.after.columns[name]
            if (
                name.partition(".")[0] in self.before.tables
                and is_required
                and not (has_default or generated)
            ):
                yield name

    def _breaks(self, what: str, table: str, details: Any, *, is_new: bool) -> bool:
        is_old_table = table in self.before.tables
        match what:
            case "foreign key":
                return is_new and self._refuses(table, details)
            case "check":
                old = [name.partition(".")[2] for name in self.before.columns if name.startswith(f"{table}.")]
                return is_new and any(re.search(rf"\b{column}\b", details, re.IGNORECASE) for column in old)
            case "unique index" if is_new:
                columns = [column.rpartition(" ")[0] for column in details[0].split(",")]
                return is_old_table and not any(self._stays_null(f"{table}.{column}") for column in columns)
        return is_old_table

    def _refuses(self, table: str, foreign_key: tuple[Any, ...]) -> bool:
        """Return whether a new foreign key makes an insertion or a deletion fail."""
        column, target, on_delete = foreign_key
        if target in self.before.tables and on_delete not in KEEPS_DELETIONS:
            return True
        was_one = any(
            (other, what, *details[:2]) == (table, "foreign key", column, target)
            for other, what, details in self.before.others
        )
        return table in self.before.tables and not was_one and not self._stays_null(f"{table}.{column}")

    def _stays_null(self, column: str) -> bool:
        """Return whether rows without new columns have no value in this one."""
        _, is_required, _, has_default, generated = self.after.columns.get(column, (None, 1, 0, 0, 0))
        return column not in self.before.columns and not (is_required or has_default or generated)


def _checks(sql: str) -> Iterator[str]:
    """Yield the conditions of the CHECK constraints in the SQL of a table."""
    opened: list[int | None] = []
    for token in TOKEN.finditer(sql):
        if token[0] == ")":
            start = opened.pop() if opened else None
            if start is not None:
                yield " ".join(sql[start : token.start()].split())
        elif token[0].endswith("("):
            opened.append(None if token[0] == "(" else token.end())
