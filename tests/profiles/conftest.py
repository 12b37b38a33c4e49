"""Fixtures of profiles."""

from typing import cast

import pytest

from conduit_app.composition import Composition
from modules.profiles.container import ProfilesContainer


@pytest.fixture
def profiles(composition: Composition) -> ProfilesContainer:
    """Return the container of profiles as the application wires it."""
    return cast("ProfilesContainer", composition.containers["profiles"])
