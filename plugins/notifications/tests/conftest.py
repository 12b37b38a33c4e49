"""Fixtures: notifications with fakes of the modules that it needs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from notifications_context import Context, open_context


@pytest.fixture(scope="session")
async def shared_context(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Context]:
    """Return the module that all tests share: booting one takes longer than most tests."""
    async with open_context(tmp_path_factory.mktemp("shared")) as context:
        yield context


@pytest.fixture
def context(shared_context: Context) -> Context:
    """Return the shared module without users, articles or notifications."""
    return shared_context.reset()


@pytest.fixture
async def dedicated_context(tmp_path: Path) -> AsyncIterator[Context]:
    """Return a module for a test that cannot share one."""
    async with open_context(tmp_path) as context:
        yield context
