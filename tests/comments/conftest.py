"""The module as the application wires it."""

from typing import cast

import pytest

from conduit_app.composition import Composition
from modules.comments.container import CommentsContainer


@pytest.fixture
def comments(composition: Composition) -> CommentsContainer:
    """Return the container of comments, on the database of the test."""
    return cast("CommentsContainer", composition.containers["comments"])
