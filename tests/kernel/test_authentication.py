"""Who is asking, taken from the Authorization header."""

from typing import Annotated

import httpx2
import pytest
from fastapi import Depends

from modules.kernel.api.authentication import Authentication
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import Principal, TokenInvalid, TokenVerifier, UserId
from modules.kernel.fakes import FAR_FUTURE
from tests.kernel.error_app import client_of

JAKE = UserId(7)
BOTH = pytest.mark.parametrize("path", ["/required", "/optional"])


class FakeTokens:
    """Takes one token."""

    async def verify(self, token: str) -> Principal:
        if token != "good":
            raise TokenInvalid
        return Principal(JAKE, int(FAR_FUTURE.timestamp()))


@pytest.fixture
def client() -> httpx2.AsyncClient:
    authentication = Authentication(FakeTokens())
    router = ModuleRouter()

    @router.get("/required")
    async def required(caller: Annotated[UserId, Depends(authentication.required)]) -> int:
        return caller

    @router.get("/optional")
    async def optional(caller: Annotated[UserId | None, Depends(authentication.optional)]) -> int | None:
        return caller

    return client_of(router)


@BOTH
@pytest.mark.parametrize(
    "header", ["Token good", "token good", "TOKEN good", "Bearer good", "bearer good", "Token  good"]
)
async def test_token_and_bearer_are_one_scheme_in_whatever_case(
    client: httpx2.AsyncClient, path: str, header: str
) -> None:
    answer = await client.get(path, headers={"Authorization": header})
    assert answer.status_code == 200
    assert answer.json() == JAKE


@BOTH
@pytest.mark.parametrize("header", ["good", "Token", "Token ", "Basic good", "Token bad", "Tokengood"])
async def test_a_header_that_is_there_must_be_good(
    client: httpx2.AsyncClient, path: str, header: str
) -> None:
    answer = await client.get(path, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json() == {"errors": {"token": ["is invalid"]}}


async def test_an_empty_header_is_not_anonymous(client: httpx2.AsyncClient) -> None:
    for path in ("/required", "/optional"):
        assert (await client.get(path, headers={"Authorization": ""})).status_code == 401


async def test_no_header_where_one_is_required_is_a_missing_token(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/required")
    assert answer.status_code == 401
    assert answer.json() == {"errors": {"token": ["is missing"]}}


async def test_no_header_where_none_is_required_is_nobody(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/optional")
    assert answer.status_code == 200
    assert answer.json() is None


def test_whoever_verifies_tokens_may_be_given() -> None:
    assert isinstance(FakeTokens(), TokenVerifier)
