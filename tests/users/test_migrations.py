"""The migrations of accounts that existed before a rule changed, on both engines."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, insert, select, table

from conduit_app.migrations.runner import migrate
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.module import MODULE as USERS
from tests import postgresql

COLUMNS = ["username", "username_key", "email", "email_key", "image", "password_hash", "session_epoch"]
ACCOUNTS = table("users_account", column("id"), *(column(name) for name in COLUMNS))


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Return an empty database, on either engine."""
    if request.param == "sqlite":
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/conduit.db")
        yield database
        await database.dispose()
    else:
        with postgresql.new_database() as url:
            database = Database(url)
            yield database
            await database.dispose()


async def migrated(database: Database, revision: str, accounts: Sequence[Mapping[str, str]]) -> Sequence[Any]:
    """Insert accounts at this revision, migrate to the newest one, and return them by id."""
    await migrate(database, [USERS], revision=revision)
    async with database.transaction() as session:
        for number, account in enumerate(accounts):
            defaults = {"password_hash": "hash", "session_epoch": "epoch"}
            names = {name: f"{name}{number}" for name in COLUMNS[:4]}
            await session.execute(insert(ACCOUNTS).values({**defaults, **names, **account}))
    await migrate(database, [USERS])
    async with database.snapshot() as session:
        return (await session.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.id))).all()


async def test_stored_images_are_serialized(database: Database) -> None:
    images = {
        "https://example.com/jake.png": "https://example.com/jake.png",
        'https://x/"onerror="alert(1)': "https://x/%22onerror=%22alert(1)",
        'https://x"onerror="alert(1)': None,
        "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=": "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=",
    }
    accounts = await migrated(database, "0004", [{"image": image} for image in images])
    assert [account.image for account in accounts] == list(images.values())
