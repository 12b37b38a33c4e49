"""What tests share that look at Conduit through a browser."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.e2e.chromium import launched


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Return a headless Chromium."""
    async with launched() as browser:
        yield browser
