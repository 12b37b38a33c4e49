"""Comments by itself: of the modules that it needs there are fakes."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from conduit_devtools.testkit import IN_MEMORY, ModuleTestApp, boot_module
from modules.articles.contracts import ArticleDirectory
from modules.comments.container import CommentsContainer
from modules.comments.module import MODULE
from modules.kernel.domain.clock import Clock, SystemClock
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import ProfileReader
from tests.client import Api
from tests.comments.upstream_fakes import UpstreamFakes


@pytest.fixture
def database() -> Database:
    """Return an empty database."""
    return Database(IN_MEMORY)


@pytest.fixture
def upstream(database: Database) -> UpstreamFakes:
    """Return those whom comments needs."""
    return UpstreamFakes(database)


@pytest.fixture
def clock() -> Clock:
    """Return the clock that comments has; a file of tests may have another."""
    return SystemClock()


@pytest.fixture
async def alone(database: Database, upstream: UpstreamFakes, clock: Clock) -> AsyncIterator[ModuleTestApp]:
    """Return comments, running."""
    offers = {
        ArticleDirectory: upstream.articles,
        ProfileReader: upstream.profiles,
        TokenVerifier: upstream.tokens,
    }
    async with boot_module(MODULE, offers, database=database, clock=clock) as alone:
        yield alone


@pytest.fixture
def comments(alone: ModuleTestApp) -> CommentsContainer:
    """Return the container of comments, on the database of the test."""
    return cast("CommentsContainer", alone.container)


@pytest.fixture
def api(alone: ModuleTestApp, upstream: UpstreamFakes) -> Api:
    """Return comments as its callers see it."""
    tokens = {name: upstream.tokens.issue(user) for name, user in upstream.users.items()}
    return Api(alone.application, tokens)
