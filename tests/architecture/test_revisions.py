"""What `conduit check` reports of a revision that it runs: tables of other modules, and the downgrade."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent, indent

import pytest
from sqlalchemy import BigInteger, Column, Integer, String, Table

from conduit_devtools.checks.revisions import check_revisions
from conduit_devtools.checks.source import ModuleSource
from modules.kernel.container import ModuleContainer
from modules.kernel.infrastructure.persistence.schema import Schema, module_metadata
from modules.kernel.module import Module

FIRST = """
    import sqlalchemy as sa
    from alembic import op

    revision, down_revision = "0001", None

    def upgrade():
        op.create_table(
            "notes_entry",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("owner_id", sa.BigInteger, nullable=False),
            sa.Column("text", sa.String, nullable=False),
        )
        op.create_index("ix_notes_entry_owner_id", "notes_entry", ["owner_id"])

    def downgrade():
        op.drop_table("notes_entry")
"""
CREATE_COUNT = 'op.create_table("notes_count", sa.Column("owner_id", sa.Integer, primary_key=True))'
DROP_COUNT = 'op.drop_table("notes_count")'

Check = Callable[..., Sequence[tuple[str, str]]]


def second(upgrade: str, downgrade: str, declared: str = "") -> str:
    """Return the source of a revision with these statements."""
    head = 'import sqlalchemy as sa\nfrom alembic import op\n\nrevision, down_revision = "0002", "0001"\n'
    functions = {"upgrade": upgrade, "downgrade": downgrade}
    bodies = (f"def {name}():\n{indent(dedent(body), '    ')}\n" for name, body in functions.items())
    return f"{head}{declared}\n\n\n" + "\n\n".join(bodies)


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a function that checks notes with a second revision: each finding's rule, line and message."""
    migrations = tmp_path / "notes" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "0001_entries.py").write_text(dedent(FIRST), encoding="utf-8")
    tags = module_metadata()
    Table("tags_tag", tags, Column("id", Integer, primary_key=True), Column("name", String, index=True))
    notes = module_metadata()
    Table("notes_entry", notes, Column("id", Integer, primary_key=True), Column("owner_id", BigInteger))
    schemas = {"notes": Schema(notes, migrations), "tags": Schema(tags, tmp_path / "none", ("tags_words",))}
    modules = [
        Module(name=name, container=ModuleContainer, schema=schema) for name, schema in schemas.items()
    ]
    (tmp_path / "none").mkdir()
    sources = {name: ModuleSource(name, tmp_path / name, tmp_path) for name in schemas}

    def check(
        upgrade: str, downgrade: str = "pass", declared: str = "", file: str = "0002_second.py"
    ) -> Sequence[tuple[str, str]]:
        (migrations / "0002_second.py").write_text(second(upgrade, downgrade, declared), encoding="utf-8")
        lines = (migrations / file).read_text(encoding="utf-8").splitlines()
        findings = list(check_revisions(sources, modules))
        assert {finding.file for finding in findings} <= {Path("notes/migrations") / file}
        return [
            (finding.rule.id, f"{lines[finding.line - 1].strip()} → {finding.message}")
            for finding in findings
        ]

    return check


# The last line is reported, with this message.
BOUNDARY = {
    "an f-string drops a table": (
        """
        table = "_".join(["tags", "tag"])
        op.execute(f"DROP TABLE {table}")
        """,
        "notes changes tags_tag, a table of tags",
    ),
    "an f-string deletes rows": (
        """op.execute(f"DELETE FROM {'_'.join(['TAGS', 'TAG'])}")""",
        "notes changes tags_tag, a table of tags",
    ),
    "a data migration reads": (
        'op.execute("INSERT INTO notes_entry (owner_id, text) SELECT id, name FROM " + "tags_" + "tag")',
        "notes reads tags_tag, a table of tags",
    ),
    "a column is added": (
        'op.add_column("tags_" + "tag", sa.Column("note", sa.String))',
        "notes changes tags_tag, a table of tags",
    ),
    "an index": (
        'op.create_index("ix_notes", "tags_" + "tag", ["id"])',
        "notes changes tags_tag, a table of tags",
    ),
    "statements that run for rows only": (
        """
        for row in op.get_bind().execute(sa.text("SELECT id FROM notes_entry")).all():
            op.execute("DELETE FROM " + "tags_" + "tag")
        """,
        "notes changes tags_tag, a table of tags",
    ),
    "a version table": (
        'op.execute("DELETE FROM " + "tags_" + "alembic_version")',
        "notes changes tags_alembic_version, a table of tags",
    ),
    "an unmapped table": (
        'op.execute("DROP TABLE " + "tags_" + "words")',
        "notes changes tags_words, a table of tags",
    ),
    "whether a table exists": (
        'sa.inspect(op.get_bind()).has_table("tags_" + "tag")',
        "notes reads tags_tag, a table of tags",
    ),
}


@pytest.mark.parametrize("name", BOUNDARY)
def test_table_of_another_module_is_reported_at_the_statement(check: Check, name: str) -> None:
    upgrade, message = BOUNDARY[name]
    line = upgrade.strip().splitlines()[-1].strip()
    assert check(upgrade) == [("migration-boundary", f"{line} → {message}")]


def test_view_on_a_table_of_another_module_is_reported_where_it_is_created(check: Check) -> None:
    view = 'op.execute("CREATE VIEW notes_all AS SELECT name FROM " + "tags_" + "tag")'
    assert check(f"sa.text('')\n{view}", 'op.execute("DROP VIEW notes_all")') == [
        ("migration-boundary", f"{view} → notes reads tags_tag, a table of tags, in notes_all")
    ]


@pytest.mark.parametrize("event", ["INSERT", "UPDATE OF text", "DELETE"])
def test_trigger_that_changes_a_table_of_another_module_is_reported(check: Check, event: str) -> None:
    sql = f"CREATE TRIGGER notes_changed AFTER {event} ON notes_entry BEGIN DELETE FROM tags_"  # noqa: S608
    trigger = f'op.execute("{sql}" + "tag; END")'
    assert check(trigger, 'op.execute("DROP TRIGGER notes_changed")') == [
        ("migration-boundary", f"{trigger} → notes changes tags_tag, a table of tags, in notes_changed")
    ]


def test_trigger_on_a_table_of_another_module_is_reported(check: Check) -> None:
    trigger = 'op.execute("CREATE TRIGGER notes_gone AFTER DELETE ON tags" + "_tag BEGIN SELECT 1; END")'
    findings = check(trigger, 'op.execute("DROP TRIGGER notes_gone")')
    assert findings == [("migration-boundary", f"{trigger} → notes changes tags_tag, a table of tags")]


def test_table_of_another_module_in_a_downgrade_is_reported(check: Check) -> None:
    drop = 'op.execute("DROP TABLE " + "tags_" + "tag")'
    assert check(CREATE_COUNT, f"{DROP_COUNT}\n{drop}") == [
        ("migration-boundary", f"{drop} → notes changes tags_tag, a table of tags")
    ]


@pytest.mark.parametrize(
    ("create", "drop", "kind"),
    [
        ('op.execute("CREATE VIEW all" + "_notes AS SELECT 1")', 'op.execute("DROP VIEW all_notes")', "view"),
        ('op.execute("CREATE TABLE all" + "_notes (id)")', 'op.execute("DROP TABLE all_notes")', "table"),
        (
            'op.execute("ALTER TABLE notes_entry RENAME TO all" + "_notes")',
            'op.execute("ALTER TABLE all_notes RENAME TO notes_entry")',
            "table",
        ),
    ],
)
def test_object_without_the_prefix_of_the_module_is_reported(
    check: Check, create: str, drop: str, kind: str
) -> None:
    [(rule, message)] = check(create, drop)
    line = "def upgrade():" if "RENAME" in create else create
    assert (rule, message) == ("table-prefix", f"{line} → {kind} all_notes of notes is not named notes_…")


DOWNGRADES = {
    "pass": "does not restore the schema: table notes_count",
    "raise NotImplementedError('no way back')": "fails: NotImplementedError: no way back",
    f"{DROP_COUNT}\nop.drop_index('ix_notes_entry_owner_id', 'notes_entry')": (
        "does not restore the schema: index ix_notes_entry_owner_id"
    ),
    f"{DROP_COUNT}\nop.add_column('notes_entry', sa.Column('mood', sa.String))": (
        "does not restore the schema: column notes_entry.mood"
    ),
    f"{DROP_COUNT}\nop.execute('CREATE VIEW notes_view AS SELECT 1')": (
        "does not restore the schema: view notes_view"
    ),
    f"{DROP_COUNT}\nop.execute('CREATE TRIGGER notes_t AFTER DELETE ON notes_entry BEGIN SELECT 1; END')": (
        "does not restore the schema: trigger notes_t"
    ),
}


@pytest.mark.parametrize("downgrade", DOWNGRADES)
def test_downgrade_that_does_not_restore_the_schema_is_reported(check: Check, downgrade: str) -> None:
    assert check(CREATE_COUNT, downgrade) == [
        (
            "reversible-migration",
            f"def downgrade(): → the downgrade of revision 0002 of notes {DOWNGRADES[downgrade]}",
        )
    ]


def test_declared_reason_allows_a_revision_without_downgrade(check: Check) -> None:
    assert check(CREATE_COUNT, "raise NotImplementedError", 'irreversible = "the texts are gone"') == []
    assert [rule for rule, _ in check(CREATE_COUNT, "pass", 'irreversible = " "')] == ["reversible-migration"]


# The second revision, as an expand step, and what it removes or restricts.
RESTRICTIONS = {
    "a dropped table": ('op.drop_table("notes_entry")', "table notes_entry"),
    "a dropped column": ('op.drop_column("notes_entry", "text")', "column notes_entry.text"),
    "a renamed column": (
        'op.alter_column("notes_entry", "text", new_column_name="body")',
        "column notes_entry.body, column notes_entry.text",
    ),
    "a required column": (
        """
        with op.batch_alter_table("notes_entry") as batch:
            batch.add_column(sa.Column("mood", sa.String, nullable=False))
        """,
        "column notes_entry.mood",
    ),
    "a nullable column": (
        'with op.batch_alter_table("notes_entry") as batch: batch.alter_column("text", nullable=True)',
        "column notes_entry.text",
    ),
    "a unique index": (
        'op.create_index("ix_notes_text", "notes_entry", ["text"], unique=True)',
        "unique index of notes_entry",
    ),
    "a check": (
        """
        with op.batch_alter_table("notes_entry") as batch:
            batch.create_check_constraint("ck_text", "text > 1")
        """,
        "check of notes_entry",
    ),
    "a check without a name": (
        'op.execute("ALTER TABLE notes_entry ADD COLUMN mood VARCHAR CHECK (length(text) > 1)")',
        "check of notes_entry",
    ),
    "a unique expression": (
        'op.execute("CREATE UNIQUE INDEX ix_notes_text ON notes_entry (lower(text))")',
        "unique index of notes_entry",
    ),
    "a unique column with a default": (
        """
        op.execute("ALTER TABLE notes_entry ADD COLUMN mood VARCHAR NOT NULL DEFAULT 'calm'")
        op.execute("CREATE UNIQUE INDEX ix_notes_mood ON notes_entry (mood)")
        """,
        "unique index of notes_entry",
    ),
    "a foreign key of a new column that stops deletions": (
        'op.execute("ALTER TABLE notes_entry ADD COLUMN parent_id INTEGER REFERENCES notes_entry (id)")',
        "foreign key of notes_entry",
    ),
    "a foreign key of a new table that stops deletions": (
        'op.execute("CREATE TABLE notes_page (entry_id INTEGER REFERENCES notes_entry (id))")',
        "foreign key of notes_page",
    ),
    "a trigger": (
        'op.execute("CREATE TRIGGER notes_t INSERT ON notes_entry BEGIN DELETE FROM notes_entry; END")',
        "trigger of notes_entry",
    ),
}


# What a first expand step adds, and a second one takes away.
TAKEN_AWAY = {
    "a unique index": (
        'op.create_index("ix_notes_mood", "notes_entry", ["mood"], unique=True)',
        'op.drop_index("ix_notes_mood")',
        "unique index of notes_entry",
    ),
    "the condition of a unique index": (
        'op.execute("CREATE UNIQUE INDEX ix_notes_mood ON notes_entry (mood) WHERE id > 1")',
        """
        op.drop_index("ix_notes_mood")
        op.execute("CREATE UNIQUE INDEX ix_notes_mood ON notes_entry (mood) WHERE id > 0")
        """,
        "unique index of notes_entry",
    ),
    "the collation of a unique index": (
        'op.execute("CREATE UNIQUE INDEX ix_notes_mood ON notes_entry (mood)")',
        """
        op.drop_index("ix_notes_mood")
        op.execute("CREATE UNIQUE INDEX ix_notes_mood ON notes_entry (mood COLLATE NOCASE)")
        """,
        "unique index of notes_entry",
    ),
    "a view": (
        'op.execute("CREATE VIEW notes_all AS SELECT id FROM notes_entry")',
        'op.execute("DROP VIEW notes_all")',
        "table notes_all",
    ),
    "a default": (
        'op.add_column("notes_entry", sa.Column("tone", sa.String, nullable=False, server_default="calm"))',
        'with op.batch_alter_table("notes_entry") as batch: batch.alter_column("tone", server_default=None)',
        "column notes_entry.tone",
    ),
}


@pytest.mark.parametrize("what", TAKEN_AWAY)
def test_expand_step_that_takes_away_is_reported(check: Check, tmp_path: Path, what: str) -> None:
    add, take_away, found = TAKEN_AWAY[what]
    declared = 'irreversible, phase = "as an example", "expand"'
    add = f'op.add_column("notes_entry", sa.Column("mood", sa.String))\n{add}'
    third = second(take_away, "pass", declared).replace('"0002", "0001"', '"0003", "0002"')
    (tmp_path / "notes" / "migrations" / "0003_third.py").write_text(third, encoding="utf-8")
    [(rule, message)] = check(add, "pass", declared, file="0003_third.py")
    assert (rule, message.rpartition(": ")[2]) == ("expand-step", found)


@pytest.mark.parametrize("upgrade", RESTRICTIONS)
def test_expand_step_that_removes_or_restricts_is_reported(check: Check, upgrade: str) -> None:
    statements, found = RESTRICTIONS[upgrade]
    expand, contract = (
        check(statements, "pass", f'irreversible, phase = "as an example", "{phase}"')
        for phase in ("expand", "contract")
    )
    [(rule, message)] = expand
    assert rule == "expand-step"
    _, _, restricted = message.partition(
        "expand step 0002 of notes removes or restricts what the release before it uses: "
    )
    assert found in restricted
    assert contract == []


@pytest.mark.parametrize(
    "upgrade",
    [
        CREATE_COUNT,
        'op.add_column("notes_entry", sa.Column("mood", sa.String))',
        'op.add_column("notes_entry", sa.Column("mood", sa.String, nullable=False, server_default="calm"))',
        'op.create_index("ix_notes_text", "notes_entry", ["text"])',
        'op.drop_index("ix_notes_entry_owner_id")',
        'op.execute("ALTER TABLE notes_entry ADD COLUMN up REFERENCES notes_entry (id) ON DELETE CASCADE")',
        """op.execute("ALTER TABLE notes_entry ADD COLUMN mood VARCHAR CHECK (mood IN ('(', 'calm'))")""",
        """
        op.add_column("notes_entry", sa.Column("mood", sa.String))
        op.create_index("ix_notes_mood", "notes_entry", ["owner_id", "mood"], unique=True)
        """,
        'op.execute("CREATE TABLE notes_page (id INTEGER REFERENCES notes_entry (id) ON DELETE CASCADE)")',
        'with op.batch_alter_table("notes_entry") as batch: batch.alter_column("text", server_default="")',
    ],
)
def test_expand_step_that_adds_is_allowed(check: Check, upgrade: str) -> None:
    assert check(upgrade, "pass", 'irreversible, phase = "as an example", "expand"') == []


LEGITIMATE = {
    "a table and its index": (
        f'{CREATE_COUNT}\nop.create_index("ix_notes_count", "notes_count", ["owner_id"])',
        DROP_COUNT,
    ),
    "a column, with a default after the downgrade": (
        'op.drop_column("notes_entry", "text")',
        'op.add_column("notes_entry", sa.Column("text", sa.String, nullable=False, server_default=""))',
    ),
    "a copied table": (
        'with op.batch_alter_table("notes_entry") as batch: batch.alter_column("text", nullable=True)',
        'with op.batch_alter_table("notes_entry") as batch: batch.alter_column("text", nullable=False)',
    ),
    "a data migration of its own table": (
        "op.execute(\"UPDATE notes_entry SET text = 'tags_tag' WHERE text LIKE 'tags_%'\")",
        "pass",
    ),
    "a data migration that no invented row survives": (
        """
        for text in op.get_bind().scalars(sa.text("SELECT text FROM notes_entry")):
            assert text == "valid"
        """,
        "pass",
    ),
    "common table expressions, JSON and a column with the name of a table": (
        """
        op.execute("WITH tags AS (SELECT 1 AS tags_tag) INSERT INTO notes_entry (owner_id, text) "
                   "SELECT tags_tag, value FROM tags, json_each('[1]')")
        """,
        "pass",
    ),
    "a view and triggers on its own tables": (
        """
        op.execute("CREATE VIEW notes_texts AS SELECT text FROM notes_entry")
        for event in ("INSERT", "UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER notes_{event} AFTER {event} ON notes_entry "
                       "BEGIN UPDATE notes_entry SET text = ''; END")
        op.execute("CREATE TRIGGER notes_added INSTEAD OF INSERT ON notes_texts "
                   "BEGIN INSERT INTO notes_entry (owner_id, text) VALUES (1, new.text); END")
        """,
        """
        op.execute("DROP VIEW notes_texts")
        for event in ("INSERT", "UPDATE", "DELETE"):
            op.execute(f"DROP TRIGGER notes_{event}")
        """,
    ),
    "a full-text index": (
        'op.execute("CREATE VIRTUAL TABLE notes_words USING fts5(text)")',
        'op.execute("DROP TABLE notes_words")',
    ),
    "a temporary table": (
        'op.execute("CREATE TEMP TABLE renamed (id)")\nop.execute("DROP TABLE temp.renamed")',
        "pass",
    ),
    "a rename where the old name exists": (
        'if sa.inspect(op.get_bind()).has_table("notes_old"): op.rename_table("notes_old", "notes_entry")',
        "pass",
    ),
}


@pytest.mark.parametrize("name", LEGITIMATE)
def test_legitimate_revision_is_not_reported(check: Check, name: str) -> None:
    assert check(*LEGITIMATE[name]) == []
