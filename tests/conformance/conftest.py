"""What every test of the contract shares: no answer leaves unseen by the official document."""

from collections.abc import Iterator

import pytest

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from tests.client import Api, Json
from tests.conformance.official_document import official


@pytest.fixture(autouse=True)
def every_answer_is_as_documented(api: Api) -> Iterator[None]:
    """Fail the test if any answer that it was given differs from the official document."""
    yield
    for response in api.answers:
        official().check(response)


@pytest.fixture
def failing(settings: Settings, composition: Composition) -> Api:
    """Return a Conduit with a route whose handler fails."""
    application = create_application(settings, composition)

    @application.get("/api/failing")
    async def fail() -> None:
        raise RuntimeError("the password of the database")

    return Api(application)


@pytest.fixture
async def article(api: Api) -> Json:
    """Return an article of jake's."""
    return await api.as_user("jake").publish()
