"""The manifest of users."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter

from modules.kernel.api.authentication import Authentication
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.module import Command, Gauge, Job, Module
from modules.users.api.router import create_router
from modules.users.container import UsersContainer
from modules.users.contracts import UserDeleted, UserDirectory, UserRenamed
from modules.users.domain.account import Account
from modules.users.infrastructure.checks import consistency_checks
from modules.users.infrastructure.settings import UsersSettings
from modules.users.infrastructure.tables import SCHEMA

Name = Annotated[str, "Username, e-mail, or id as #7."]

MAX_LISTED = 10_000


def router(container: UsersContainer) -> APIRouter:
    """Return the router of users."""
    return create_router(container.accounts(), container.personal_data(), Authentication(container.tokens()))


async def demo(container: UsersContainer, demo: Demo) -> None:
    """Insert the demo users."""
    from modules.users.demo.people import insert_people  # noqa: PLC0415 - not served

    await insert_people(container.database(), container.credentials(), demo)


async def after_restore(container: UsersContainer) -> None:
    """Revoke all sessions."""
    await container.accounts().revoke_all_sessions()


def checks(container: UsersContainer) -> Sequence[ConsistencyCheck]:
    """Return the consistency checks of this module."""
    return consistency_checks(container.idempotency(), container.directory())


async def delete_expired_counts(container: UsersContainer) -> bool:
    """Delete a batch of the expired counts of attempts; return whether there may be more."""
    return await container.limit_storage().delete_expired()


async def list_accounts(
    container: UsersContainer,
    disabled: Annotated[bool, "Those that are disabled only."] = False,
    after: Annotated[int, "Those with a greater id only."] = 0,
    limit: Annotated[int, "How many at most."] = 100,
) -> str:
    """Return a line for each account; raise `Invalid` for a limit of less than 1 or more than 10,000."""
    if not 1 <= limit <= MAX_LISTED:
        raise Invalid("limit", f"must be 1 to {MAX_LISTED}")
    accounts = await container.administration().page(UserId(after), limit, disabled_only=disabled)
    return "\n".join(
        f"{account.id}\t{account.username}\t{account.email}{_state(account)}" for account in accounts
    )


async def show(container: UsersContainer, name: Name) -> str:
    """Return what is known of an account."""
    account = await container.administration().find(name)
    fields = {"id": account.id, **account.export_personal_data()}
    return "\n".join(f"{field}\t{_printable(value)}" for field, value in fields.items())


async def disable(container: UsersContainer, name: Name) -> str:
    """Disable an account."""
    return f"disabled {_named(await container.administration().disable(name))}"


async def enable(container: UsersContainer, name: Name) -> str:
    """Enable an account."""
    return f"enabled {_named(await container.administration().enable(name))}"


async def delete(container: UsersContainer, name: Name) -> str:
    """Delete an account."""
    return f"deleted {_named(await container.administration().delete(name))}"


async def set_password(container: UsersContainer, name: Name) -> str:
    """Set a random password, and return it."""
    account, password = await container.administration().reset_password(name)
    return f"{password}\n(the new password of {_named(account)})"


async def revoke_sessions(container: UsersContainer, name: Name) -> str:
    """End all sessions of an account."""
    return f"ended all sessions of {_named(await container.administration().revoke_sessions(name))}"


def _named(account: Account) -> str:
    # In the audit trail, too.
    structlog.contextvars.bind_contextvars(user_id=account.id)
    return f"{account.username} (id {account.id})"


def _printable(value: object) -> str:
    # What users write may have line breaks and control sequences of terminals.
    text = "" if value is None else str(value)
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def _state(account: Account) -> str:
    return "" if account.disabled_at is None else f"\tdisabled {account.disabled_at:%Y-%m-%d}"


COMMANDS = [
    Command("list", "List accounts, the oldest first.", list_accounts, "--disabled"),
    Command("show", "Show an account.", show, "jake"),
    Command(
        "disable",
        "Disable an account: it cannot log in, and its tokens are those of nobody.",
        disable,
        "jake",
    ),
    Command("enable", "Enable an account; its user must log in again.", enable, "jake"),
    Command("delete", "Delete an account with all its data. This cannot be undone.", delete, "jake"),
    Command("set-password", "Set a random password, print it and end all sessions.", set_password, "jake"),
    Command("revoke-sessions", "End all sessions of an account.", revoke_sessions, "jake@example.com"),
]

MODULE = Module(
    name="users",
    owner="@conduit/users",
    container=UsersContainer,
    offers={UserDirectory: "directory", TokenVerifier: "tokens"},
    routers=[router],
    publishes=[UserDeleted, UserRenamed],
    schema=SCHEMA,
    settings=UsersSettings,
    personal_data=lambda container: container.accounts().export_personal_data,
    checks=checks,
    demo=demo,
    after_restore=after_restore,
    jobs=[Job("expired-counts", timedelta(minutes=5), delete_expired_counts)],
    commands=COMMANDS,
    unauthenticated={"POST /api/users": "registration", "POST /api/users/login": "returns a token"},
    gauges=[
        Gauge(
            "password_hashes_pending",
            "Password hashes running or queued",
            lambda container: container.passwords().pending,
        )
    ],
)
