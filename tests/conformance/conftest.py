"""What every test of the contract shares: no answer leaves unseen by the official document."""

from collections.abc import Iterator

import pytest

from tests.client import Api, Json
from tests.conformance.official_document import official


@pytest.fixture(autouse=True)
def every_answer_is_as_documented(api: Api) -> Iterator[None]:
    """Fail the test if any answer that it was given differs from the official document."""
    yield
    for answer in api.answers:
        official().check(answer)


@pytest.fixture
async def article(api: Api) -> Json:
    """Return an article of jake's."""
    return await api.as_user("jake").publish()
