"""The module as the application wires it."""

from typing import cast

import pytest

from conduit_app.composition import Composition
from modules.articles.container import ArticlesContainer


@pytest.fixture
def articles(composition: Composition) -> ArticlesContainer:
    """Return the container of articles, on the database of the test."""
    return cast("ArticlesContainer", composition.containers["articles"])
