"""The locks that migrations take on PostgreSQL, checked by squawk: https://squawkhq.com/docs/rules."""

import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from conduit_app.composition import resolve_order
from conduit_app.discovery import discover
from conduit_app.migrations.revision_files import pending, revision_files
from conduit_app.migrations.runner import migrate
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.module import KERNEL, Module
from tests.postgresql import new_database

pytestmark = pytest.mark.slow

MODULES = [KERNEL, *resolve_order(discover())]
# Rules that are not about locks, and those that the phases of revisions and `conduit migrate` take care of.
EXCLUDED = (
    *("prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity", "prefer-text-field"),
    *("prefer-robust-stmts", "ban-char-field", "prefer-timestamptz"),
    *("require-lock-timeout", "require-statement-timeout", "ban-drop-column", "ban-drop-table"),
)


# Released before this check. It creates four indexes, and blocks what writes articles meanwhile.
RELEASED = frozenset({"0006_5d20"})


@contextmanager
def recorded_ddl() -> Iterator[Sequence[str]]:
    """Yield the statements on the schema that are executed in the block."""
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        if statement.lstrip().startswith(("ALTER", "CREATE", "DROP")):
            statements.append(f"{statement.strip()};")

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", record)


def problems(statements: Sequence[str], *, is_transactional: bool = True) -> str:
    """Return what squawk reports about the statements."""
    squawk = shutil.which("squawk", path=sysconfig.get_path("scripts"))
    assert squawk is not None
    context = ["--assume-in-transaction"] if is_transactional else []
    ended = subprocess.run(  # noqa: S603 - of the development requirements
        [squawk, "--reporter", "gcc", "--exclude", ",".join(EXCLUDED), *context],
        input="\n".join(statements),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in {0, 1}, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
async def test_migrations_block_no_requests(module: Module) -> None:
    assert module.schema is not None
    with new_database() as url:
        database = Database(url, isolates_modules=False)
        for file in pending(revision_files(module.schema.migrations), set()):
            with recorded_ddl() as statements:
                await migrate(database, [module], file.revision)
            # Those before the phases of revisions ran while nothing was served.
            if file.phase is not None and file.revision not in RELEASED:
                assert problems(statements, is_transactional=file.is_transactional) == "", file.path
        await database.dispose()


def test_what_blocks_is_found() -> None:
    found = problems(["CREATE INDEX ix ON comments_comment (author_id);"])
    assert "require-concurrent-index-creation" in found
