"""The migrations of accounts that existed before a rule changed, on both engines."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, insert, select, table

from conduit_app.migrations.runner import migrate
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.infrastructure.accounts import SqlAccounts
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


async def test_usernames_that_look_the_same_get_a_number(database: Database) -> None:
    names = [
        "vic\ufe0ftim",
        "victim",
        "Victim\u2800",
        "\u3164",
        "victim-2",
        "anna\ufe0f",
        "Anna Mae",
        "me\u034f",
    ]
    accounts = await migrated(
        database, "0005", [{"username": name, "username_key": name.lower()} for name in names]
    )
    assert [(account.username, account.username_key) for account in accounts] == [
        ("victim-3", "victim-3"),
        ("victim", "victim"),
        ("Victim-4", "victim-4"),
        ("user-2", "user-2"),
        ("victim-2", "victim-2"),
        # Found without its invisible character, too; it stays as it was typed.
        ("anna\ufe0f", "anna"),
        ("Anna Mae", "anna mae"),
        ("me-2", "me-2"),
    ]


async def test_e_mail_domains_become_a_labels(database: Database) -> None:
    keys = {
        "jake@bücher.example": "jake@xn--bcher-kva.example",
        "Anna@Straße.example": "anna@xn--strae-oqa.example",
        "anna@strasse.example": "anna@strasse.example",
        "Straße@example.com": "strasse@example.com",
        "otto@Bücher.example": "otto@Bücher.example",
        "otto@xn--bcher-kva.example": "otto@xn--bcher-kva.example",
    }
    stored = ["jake@bücher.example", "anna@straße", "anna@strasse.example", "strasse@example.com"]
    stored += ["otto@bücher.example", "otto@xn--bcher-kva.example"]
    accounts = await migrated(
        database,
        "0005",
        [{"email": email, "email_key": key} for email, key in zip(keys, stored, strict=True)],
    )
    assert {account.email: account.email_key for account in accounts} == keys
    repository = SqlAccounts(database)
    for email in keys:
        found = await repository.by_email(email)
        assert found is not None
        assert found.email == email


async def test_account_whose_address_another_one_has_can_be_changed(database: Database) -> None:
    emails = ["otto@xn--bcher-kva.example", "otto@bücher.example"]
    await migrated(database, "0005", [{"email": email, "email_key": email} for email in emails])
    repository = SqlAccounts(database)
    second = await repository.by_id(UserId(2))
    await repository.save(replace(second, bio="I read."))
    assert await repository.by_email(emails[1]) == replace(second, bio="I read.")
    await repository.save(replace(second, email="otto@example.com"))
    found = await repository.by_email("OTTO@example.com")
    assert found is not None
    assert found.id == second.id


async def test_stored_images_are_serialized(database: Database) -> None:
    images = {
        "https://example.com/jake.png": "https://example.com/jake.png",
        'https://x/"onerror="alert(1)': "https://x/%22onerror=%22alert(1)",
        'https://x"onerror="alert(1)': None,
        "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=": "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=",
    }
    accounts = await migrated(database, "0004", [{"image": image} for image in images])
    assert [account.image for account in accounts] == list(images.values())
