"""A pytest plugin for the tests of modules: a test that blocks the event loop fails.

In pyproject.toml: addopts = ["-p", "conduit_devtools.pytest_plugin"].
"""

import sys
from collections.abc import Generator

import pytest

from conduit_devtools.blocking_guard import GUARD, measure_handlers, measure_requests

MARKER = "blocks_event_loop(reason): the event loop may be blocked in this test"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and listen to the calls that wait."""
    config.addinivalue_line("markers", MARKER)
    GUARD.install()


def pytest_collection_finish() -> None:
    """Measure requests and handlers, unless the collected tests import no application."""
    if fastapi := sys.modules.get("fastapi"):
        measure_requests(fastapi.FastAPI)
    if messaging := sys.modules.get("modules.kernel.infrastructure.messaging.messaging"):
        measure_handlers(messaging.Messaging)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the test if something has blocked the event loop."""
    if item.get_closest_marker("blocks_event_loop"):
        return (yield)
    with GUARD.watching() as blocked:
        result = yield
    if blocked:
        pytest.fail(f"the event loop was blocked: {'; '.join(dict.fromkeys(blocked))}", pytrace=False)
    return result
