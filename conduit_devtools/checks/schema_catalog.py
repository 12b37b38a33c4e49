"""The schema of one module in SQLite, as facts that can be compared."""

import re
import sqlite3

# A fact is a table, a kind, a name and details. Not compared: the order of columns, and their defaults,
# because a downgrade that adds a column again needs one for the rows that exist.
FACTS = (
    "SELECT name, type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name GLOB :own",
    """
    SELECT t.name, 'column', t.name || '.' || c.name, upper(c.type), c."notnull", c.pk, c.hidden
    FROM sqlite_master t, pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.name GLOB :own
    """,
    """
    SELECT t.name, 'index',
        CASE i.origin WHEN 'c' THEN i.name ELSE i.origin || ' of ' || t.name END,
        i."unique", i.partial,
        (
            SELECT group_concat(coalesce(x.name, '(expression)') || x.desc)
            FROM pragma_index_xinfo(i.name) x WHERE x.key
        )
    FROM sqlite_master t, pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name GLOB :own
    """,
    """
    SELECT t.name, 'foreign key', t.name || '.' || f."from", f."table", f."to", f.on_delete, f.on_update
    FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table' AND t.name GLOB :own
    """,
)
SOURCES = "SELECT tbl_name, type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name GLOB :own"
CONSTRAINT = re.compile(r'\bCONSTRAINT\s+"?(\w+)', re.IGNORECASE)

Fact = tuple[str | int | None, ...]
Catalog = frozenset[Fact]


def schema_catalog(connection: sqlite3.Connection, module: str) -> Catalog:
    """Return the facts of the module's tables, views, indexes, constraints and triggers."""
    own = {"own": f"{module}_*"}
    facts: set[Fact] = set()
    for query in FACTS:
        facts.update(connection.execute(query, own))
    for table, kind, name, sql in connection.execute(SOURCES, own):
        if kind == "table":
            facts.update((table, "constraint", constraint) for constraint in CONSTRAINT.findall(sql))
            facts.update((table, "option", f"{option} of {table}") for option in _options(sql))
        elif kind != "index":
            facts.add((table, kind, name, " ".join(sql.split())))
    return frozenset(facts)


def differences(before: Catalog, after: Catalog) -> str:
    """Return what differs, as words: `table notes_entry, index ix_notes_entry_at`."""
    changed = before ^ after
    tables = {table for table, kind, *_ in changed if kind == "table"}
    names = {
        f"{kind} {name}"
        for table, kind, name, *_ in changed
        if table not in tables or kind in {"table", "trigger"}
    }
    return ", ".join(sorted(names))


def _options(sql: str) -> list[str]:
    return [option for option in ("AUTOINCREMENT", "WITHOUT ROWID") if option in sql.upper()]
