"""Fixtures of comments, booted alone on fakes of the modules it requires."""

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
    """Return the fakes that comments requires."""
    return UpstreamFakes(database)


@pytest.fixture
def clock() -> Clock:
    """Return the clock of comments, which a test module may override."""
    return SystemClock()


@pytest.fixture
async def module_app(
    database: Database, upstream: UpstreamFakes, clock: Clock
) -> AsyncIterator[ModuleTestApp]:
    """Return the comments module, running."""
    offers = {
        ArticleDirectory: upstream.articles,
        ProfileReader: upstream.profiles,
        TokenVerifier: upstream.tokens,
    }
    async with boot_module(MODULE, offers, database=database, clock=clock) as module_app:
        yield module_app


@pytest.fixture
def comments(module_app: ModuleTestApp) -> CommentsContainer:
    """Return the container of comments, on the test database."""
    return cast("CommentsContainer", module_app.container)


@pytest.fixture
def api(module_app: ModuleTestApp, upstream: UpstreamFakes) -> Api:
    """Return the API of comments."""
    tokens = {name: upstream.tokens.issue(user_id) for name, user_id in upstream.users.items()}
    return Api(module_app.application, tokens)
