"""The manifest of users."""

from collections.abc import Sequence
from datetime import timedelta

from fastapi import APIRouter

from modules.kernel.api.authentication import Authentication
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.module import Gauge, Job, Module
from modules.users.api.router import create_router
from modules.users.container import UsersContainer
from modules.users.contracts import UserDeleted, UserDirectory, UserRenamed
from modules.users.demo.people import insert_people
from modules.users.infrastructure.checks import consistency_checks
from modules.users.infrastructure.settings import UsersSettings
from modules.users.infrastructure.tables import SCHEMA


def router(container: UsersContainer) -> APIRouter:
    """Return the router of users."""
    return create_router(container.accounts(), container.personal_data(), Authentication(container.tokens()))


async def demo(container: UsersContainer, demo: Demo) -> None:
    """Insert the demo users."""
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
    unauthenticated={"POST /api/users": "registration", "POST /api/users/login": "returns a token"},
    gauges=[
        Gauge(
            "password_hashes_pending",
            "Password hashes running or queued",
            lambda container: container.passwords().pending,
        )
    ],
)
