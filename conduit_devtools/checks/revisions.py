"""Runs every revision of a module up, down and up again, beside the tables of the other modules.

On SQLite in memory. What a revision does on PostgreSQL only is not seen.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, StaticPool, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from conduit_app.migrations.revision_files import Phase
from conduit_app.migrations.runner import ENVIRONMENT
from conduit_app.migrations.schema_state import version_table, with_schemas
from conduit_devtools.checks.finding import RULES, Finding
from conduit_devtools.checks.marker_rows import insert_marker_rows
from conduit_devtools.checks.phases import ExpandStep, TableShapes
from conduit_devtools.checks.schema_catalog import Catalog, differences, schema_catalog
from conduit_devtools.checks.source import ModuleSource
from conduit_devtools.checks.tables import literal_table_names
from conduit_devtools.checks.touched_tables import TouchedTables
from modules.kernel.infrastructure.persistence.schema import Schema
from modules.kernel.module import Module

IRREVERSIBLE = "irreversible"
SchemaObject = tuple[str, str, str, str]
"""Its kind, its name, its table and its SQL."""

TRIGGER_EVENT = re.compile(r"\b(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)


def check_revisions(sources: Mapping[str, ModuleSource], modules: Sequence[Module]) -> Iterator[Finding]:
    """Yield a finding for each revision that touches another module's tables, or cannot be downgraded.

    The modules can be migrated. `sources` has the sources of those to check, by name.
    """
    models = {name: list(_model_statements(name, schema)) for name, schema in with_schemas(modules)}
    for module, schema in with_schemas(modules):
        if module not in sources:
            continue
        others = {table: owner for owner, rows in models.items() if owner != module for table, _ in rows}
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            for owner, rows in models.items():
                if owner != module:
                    connection.executescript(";".join(sql for _, sql in rows))
            yield from _ModuleRevisions(sources[module], schema, others, connection).check()


def _model_statements(module: str, schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield the name of each table of the module, with the statements that create it."""
    dialect = sqlite.dialect()
    for table in schema.metadata.sorted_tables:
        statements = [CreateTable(table).compile(dialect=dialect)]
        statements += [CreateIndex(index).compile(dialect=dialect) for index in table.indexes]
        yield table.name, ";".join(map(str, statements))
    for name in (version_table(module), *schema.unmapped):
        yield name, f"CREATE TABLE {name} (version_num VARCHAR(32))"


@dataclass(frozen=True)
class _ModuleRevisions:
    source: ModuleSource
    schema: Schema
    others: Mapping[str, str]
    """The tables of the other modules, with their owners."""

    connection: sqlite3.Connection

    def check(self) -> Iterator[Finding]:
        engine = create_engine("sqlite://", creator=lambda: self.connection, poolclass=StaticPool)
        scripts = ScriptDirectory(str(ENVIRONMENT), version_locations=[str(self.schema.migrations)])
        with engine.connect() as bind:
            for script in reversed(list(scripts.walk_revisions())):
                findings = list(_Revision(self, script, bind).check())
                yield from findings
                if any(finding.rule is RULES["migration-boundary"] for finding in findings):
                    # The other modules' tables may not be those of their models any more.
                    return


class _Revision:
    def __init__(self, module: _ModuleRevisions, script: Script, bind: Connection) -> None:
        self._module = module
        self._name = module.source.name
        self._database = module.connection
        self._script = script
        self._bind = bind
        self._touched = TouchedTables(module.connection)

    def check(self) -> Iterator[Finding]:
        before, names = self._catalog(), {name for _, name, _, _ in self._objects()}
        shapes = TableShapes.of(self._database, self._name)
        try:
            self._upgrade()
            created = [row for row in self._objects() if row[1] not in names]
            self._compile_uses(created)
            after = self._catalog()
            yield from self._wrong_names(created)
            yield from self._restrictions(shapes)
            if not list(self._touches()):
                yield from self._downgrade_and_upgrade(before, after)
        except Exception:
            # A table that it has no business with may not be there, or may not have what it expects.
            findings = list(self._touches())
            if not findings:
                raise
            yield from findings
        else:
            yield from self._touches()

    def _upgrade(self) -> None:
        """Upgrade, first with rows if the revision reads the module's: it may do more for rows that exist."""
        self._database.execute("SAVEPOINT upgraded")
        self._run("upgrade")
        if any(table.startswith(f"{self._name}_") for table in self._touched.read):
            self._database.execute("ROLLBACK TO upgraded")
            insert_marker_rows(self._database, self._name)
            # These rows may be none that the module would write. Errors without rows are reported.
            with suppress(Exception):
                self._run("upgrade")
            self._database.execute("ROLLBACK TO upgraded")
            self._run("upgrade")
        self._database.execute("RELEASE upgraded")

    def _downgrade_and_upgrade(self, before: Catalog, after: Catalog) -> Iterator[Finding]:
        reason = getattr(self._script.module, IRREVERSIBLE, None)
        if isinstance(reason, str) and reason.strip():
            return
        self._database.execute("SAVEPOINT downgraded")
        if problem := self._problem_of_downgrade(before, after):
            yield self._finding("reversible-migration", self._line_of("downgrade"), problem)
            self._database.execute("ROLLBACK TO downgraded")
        self._database.execute("RELEASE downgraded")

    def _problem_of_downgrade(self, before: Catalog, after: Catalog) -> str:
        revision = f"revision {self._script.revision} of {self._name}"
        try:
            self._run("downgrade")
        except Exception as error:  # a downgrade may raise anything, also on purpose
            return f"the downgrade of {revision} fails: {_one_line(error)}"
        if changed := differences(before, self._catalog()):
            return f"the downgrade of {revision} does not restore the schema: {changed}"
        try:
            self._run("upgrade")
        except Exception as error:
            return f"{revision} cannot run again after its downgrade: {_one_line(error)}"
        if changed := differences(after, self._catalog()):
            return f"{revision} has another result after its downgrade: {changed}"
        return ""

    def _run(self, function: str) -> None:
        context = MigrationContext.configure(
            self._bind, opts={"target_metadata": self._module.schema.metadata}
        )
        with Operations.context(context), self._touched.recording(self._script.path):
            getattr(self._script.module, function)()

    def _compile_uses(self, created: Iterable[SchemaObject]) -> None:
        """Compile a statement that uses each created view and trigger: SQLite then resolves their tables."""
        for kind, name, table, sql in created:
            line = self._line_of_creation(name)
            with self._touched.recording(self._script.path, line):
                if kind == "view":
                    self._database.execute(f'EXPLAIN SELECT * FROM "{name}"')  # noqa: S608 - a name of the schema
                elif kind == "trigger":
                    self._database.execute(f"EXPLAIN {self._statement_firing(table, sql)}")

    def _statement_firing(self, table: str, trigger: str) -> str:
        columns = self._database.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", [table])
        assignments = ", ".join(f'"{column}" = NULL' for (column,) in columns)
        # S608: names of the schema.
        statements = {
            "INSERT": f'INSERT INTO "{table}" DEFAULT VALUES',
            "UPDATE": f'UPDATE "{table}" SET {assignments}',  # noqa: S608
            "DELETE": f'DELETE FROM "{table}"',  # noqa: S608
        }
        # Every trigger names its event before its first statement.
        return statements[TRIGGER_EVENT.findall(trigger)[0].upper()]

    def _wrong_names(self, created: Iterable[SchemaObject]) -> Iterator[Finding]:
        # The static checks report literal names of tables.
        literals = set(literal_table_names(self._module.source))
        for kind, name, _, _ in created:
            if (
                kind != "index"
                and not name.startswith((f"{self._name}_", "sqlite_"))
                and name not in literals
            ):
                message = f"{kind} {name} of {self._name} is not named {self._name}_…"
                yield self._finding("table-prefix", self._line_of_creation(name), message)

    def _restrictions(self, before: TableShapes) -> Iterator[Finding]:
        declared = getattr(self._script.module, "phase", None)
        after = TableShapes.of(self._database, self._name)
        if declared == Phase.EXPAND.value and (found := ExpandStep(before, after).restrictions()):
            revision = f"expand step {self._script.revision} of {self._name}"
            message = f"{revision} removes or restricts what the release before it uses: {found}"
            yield self._finding("expand-step", self._line_of("upgrade"), message)

    def _touches(self) -> Iterator[Finding]:
        for table, touch in self._touched.touches.items():
            if table in self._module.others:
                verb = "changes" if touch.changes else "reads"
                inside = f", in {touch.inside}" if touch.inside else ""
                message = f"{self._name} {verb} {table}, a table of {self._module.others[table]}{inside}"
                yield self._finding("migration-boundary", touch.line, message)

    def _catalog(self) -> Catalog:
        return schema_catalog(self._database, self._name)

    def _objects(self) -> Sequence[SchemaObject]:
        return list(self._database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))

    def _line_of_creation(self, name: str) -> int:
        return self._touched.created.get(name.lower()) or self._line_of("upgrade")

    def _line_of(self, function: str) -> int:
        code = getattr(getattr(self._script.module, function, None), "__code__", None)
        return code.co_firstlineno if code is not None and code.co_filename == self._script.path else 1

    def _finding(self, rule: str, line: int, message: str) -> Finding:
        return Finding(
            RULES[rule], Path(self._script.path).relative_to(self._module.source.root), line, message
        )


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
