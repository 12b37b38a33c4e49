"""The checks of the phases of revisions: releases before and after a migration run side by side."""

import sqlite3
from collections.abc import Iterator

from conduit_app.migrations.errors import InvalidRevisionError
from conduit_app.migrations.revision_files import Phase, parse_revision, revision_files
from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.migration_files import MIGRATIONS, released_files
from conduit_devtools.checks.schema_catalog import Catalog
from conduit_devtools.checks.source import Checkout


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


def restrictions(before: Catalog, after: Catalog, connection: sqlite3.Connection) -> str:
    """Return what an expand step has removed or restricted for the release before it, as words.

    A column that is required and has no default is one: that release inserts no value. A removed index is
    none, unless it is unique.
    """
    tables = {table for table, kind, *_ in before if kind == "table"}
    columns = {name for _, kind, name, *_ in before if kind == "column"}
    names = set()
    for table, kind, name, *details in before ^ after:
        removed = (table, kind, name, *details) in before
        match kind:
            case "index":
                restricts = not removed and details[0] == 1
            case "column" if not removed and name not in columns:
                restricts = details[1] == 1 and not _has_default(connection, str(table), str(name))
            case _:
                restricts = True
        if restricts and table in tables:
            names.add(f"{kind} {name}")
    return ", ".join(sorted(names))


def _has_default(connection: sqlite3.Connection, table: str, name: str) -> bool:
    column = name.removeprefix(f"{table}.")
    query = "SELECT 1 FROM pragma_table_xinfo(?) WHERE name = ? AND (dflt_value IS NOT NULL OR hidden > 0)"
    return connection.execute(query, (table, column)).fetchone() is not None
