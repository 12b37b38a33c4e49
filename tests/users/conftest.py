"""Fixtures of users."""

from typing import cast

import pytest

from conduit_app.composition import Composition
from modules.users.container import UsersContainer


@pytest.fixture
def users(composition: Composition) -> UsersContainer:
    """Return the container of users as the application wires it."""
    return cast("UsersContainer", composition.containers["users"])
