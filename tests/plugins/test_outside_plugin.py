"""A plugin of another team, in a folder of its own: generated, tested, checked, upgraded and uninstalled."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.plugins.clean_environment import ROOT, CleanEnvironment, build_wheels

pytestmark = pytest.mark.slow

TABLES = "conduit_goals/infrastructure/tables.py"
SECOND_MIGRATION = '''"""Add the day on which an entry is due."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("goals_entry", sa.Column("due_on", sa.String(), nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("goals_entry", "due_on")
'''


def test_plugin_is_written_upgraded_and_uninstalled_without_a_checkout(tmp_path: Path) -> None:
    environment = CleanEnvironment(tmp_path, build_wheels(tmp_path, ROOT))
    environment.link("ruff")
    team = tmp_path / "team"
    team.mkdir()
    environment.run(team, "conduit", "new-module", "goals", "--plugin", "conduit-goals")
    plugin = team / "conduit-goals"
    assert " passed in " in environment.run(plugin, "python", "-m", "pytest", "-p", "no:cacheprovider")
    assert environment.run(plugin, "conduit", "check") == "architecture check passed\n"

    install(environment, tmp_path / "first", plugin)
    environment.conduit("migrate")
    with environment.served() as served, served.client() as client:
        assert client.get("/api/goals").status_code == 401

    (plugin / TABLES).write_text(
        (plugin / TABLES)
        .read_text()
        .replace("    text: Mapped[str]\n", "    text: Mapped[str]\n    due_on: Mapped[str | None]\n")
    )
    (plugin / "conduit_goals/infrastructure/migrations/0002_due_on.py").write_text(SECOND_MIGRATION)
    assert environment.run(team, "conduit", "check", "conduit-goals") == "architecture check passed\n"
    environment.pip("uninstall", "--yes", "conduit-goals")
    install(environment, tmp_path / "second", plugin)
    environment.conduit("migrate")
    database = tmp_path / "var" / "conduit.db"
    assert "due_on" in columns(database)

    environment.pip("uninstall", "--yes", "conduit-goals")
    with environment.served() as served, served.client() as client:
        assert client.get("/api/goals").status_code == 404
    assert "due_on" in columns(database)


def install(environment: CleanEnvironment, folder: Path, plugin: Path) -> None:
    """Build the plugin's wheel in the folder and install it."""
    folder.mkdir()
    [wheel] = build_wheels(folder, plugin)
    environment.pip("install", "--no-deps", "--no-index", str(wheel))


def columns(database: Path) -> Sequence[str]:
    """Return the columns of the plugin's table."""
    with closing(sqlite3.connect(database)) as connection:
        return [row[1] for row in connection.execute("PRAGMA table_info(goals_entry)")]
