"""The module as the application wires it."""

from typing import cast

import pytest

from conduit_app.composition import Composition
from modules.profiles.container import ProfilesContainer


@pytest.fixture
def profiles(composition: Composition) -> ProfilesContainer:
    """Return the container of profiles, on the database of the test."""
    return cast("ProfilesContainer", composition.containers["profiles"])
