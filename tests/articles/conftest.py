"""Fixtures of articles."""

from typing import cast

import pytest

from conduit_app.composition import Composition
from modules.articles.container import ArticlesContainer


@pytest.fixture
def articles(composition: Composition) -> ArticlesContainer:
    """Return the container of articles of the composed application, on the test database."""
    return cast("ArticlesContainer", composition.containers["articles"])
