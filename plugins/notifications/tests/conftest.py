"""Notifications by itself, on fakes of the modules that it needs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from notifications_scene import Scene, opened


@pytest.fixture(scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Return the module that one test after another uses: making one costs more than most tests do."""
    async with opened(tmp_path_factory.mktemp("stage")) as scene:
        yield scene


@pytest.fixture
def scene(stage: Scene) -> Scene:
    """Return a scene in which nobody is and nothing has happened."""
    return stage.anew()


@pytest.fixture
async def scene_of_its_own(tmp_path: Path) -> AsyncIterator[Scene]:
    """Return a scene for a test that does away with it."""
    async with opened(tmp_path) as scene:
        yield scene
