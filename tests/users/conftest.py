"""The module as the application wires it."""

from typing import cast

import pytest

from conduit_app.composition import Composition
from modules.users.container import UsersContainer


@pytest.fixture
def users(composition: Composition) -> UsersContainer:
    """Return the container of users, on the database of the test."""
    return cast("UsersContainer", composition.containers["users"])
