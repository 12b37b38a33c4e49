"""The manifest of profiles."""

from collections.abc import Sequence

from fastapi import APIRouter

from modules.kernel.api.authentication import Authentication
from modules.kernel.demo.demo import Demo
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.module import Module, Subscription
from modules.profiles.api.router import create_router
from modules.profiles.container import ProfilesContainer
from modules.profiles.contracts import ProfileReader
from modules.profiles.infrastructure.checks import consistency_checks
from modules.profiles.infrastructure.tables import SCHEMA
from modules.users.contracts import UserDeleted, UserDirectory


def router(container: ProfilesContainer) -> APIRouter:
    """Return the router of profiles."""
    return create_router(container.profiles(), Authentication(container.tokens()))


async def demo(container: ProfilesContainer, demo: Demo) -> None:
    """Insert the demo follows."""
    from modules.profiles.demo.follows import insert_follows  # noqa: PLC0415 - not served

    await insert_follows(container.database(), demo)


def checks(container: ProfilesContainer) -> Sequence[ConsistencyCheck]:
    """Return the consistency checks of this module."""
    return consistency_checks(container.database(), container.users())


MODULE = Module(
    name="profiles",
    owner="@conduit/profiles",
    container=ProfilesContainer,
    needs={"users": UserDirectory, "tokens": TokenVerifier},
    offers={ProfileReader: "reader"},
    routers=[router],
    subscriptions=[Subscription(UserDeleted, lambda container: container.profiles().on_user_deleted)],
    schema=SCHEMA,
    personal_data=lambda container: container.profiles().export_personal_data,
    checks=checks,
    demo=demo,
)
