"""Fixtures of conformance: every response is checked against the official document."""

from collections.abc import Iterator

import pytest

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from tests.client import Api, Json
from tests.conformance.official_document import official


@pytest.fixture(autouse=True)
def check_responses(api: Api) -> Iterator[None]:
    """Fail the test if any of its responses differs from the official document.

    Messages are Conduit's own: those of pydantic begin with a capital letter.
    """
    yield
    for response in api.answers:
        official().check(response)
        if response.is_error:
            messages = [message for several in response.json()["errors"].values() for message in several]
            assert [message for message in messages if not message[0].islower()] == []


@pytest.fixture
def failing(settings: Settings, composition: Composition) -> Api:
    """Return a client of an application with a route that fails."""
    application = create_application(settings, composition)

    @application.get("/api/failing")
    async def fail() -> None:
        raise RuntimeError("the password of the database")

    return Api(application)


@pytest.fixture
async def article(api: Api) -> Json:
    """Return an article by jake."""
    return await api.as_user("jake").publish()
