"""Authentication by the Authorization header."""

from typing import Annotated

import httpx2
import pytest
from fastapi import Depends

from modules.kernel.api.authentication import Authentication
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.identity import Principal, Session, TokenInvalid, UserId
from modules.kernel.fakes import FAR_FUTURE
from tests.kernel.error_app import create_client

JAKE = UserId(7)
BOTH = pytest.mark.parametrize("path", ["/required", "/optional"])


class SingleTokenVerifier:
    """A token verifier that accepts the token "good"."""

    async def verify(self, token: str) -> Principal:
        if token != "good":
            raise TokenInvalid
        return Principal(JAKE, Session("laptop", "1", 0), int(FAR_FUTURE.timestamp()), token)

    async def authorize_write(self, principal: Principal, body_bytes: int) -> None:
        raise AssertionError(f"nothing is written for {principal.user_id}: {body_bytes}")


@pytest.fixture
def client() -> httpx2.AsyncClient:
    authentication = Authentication(SingleTokenVerifier())
    router = ModuleRouter()

    @router.get("/required")
    async def required(caller: Annotated[UserId, Depends(authentication.required)]) -> int:
        return caller

    @router.get("/optional")
    async def optional(caller: Annotated[UserId | None, Depends(authentication.optional)]) -> int | None:
        return caller

    return create_client(router)


@BOTH
async def test_spaces_around_token_are_ignored(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"Authorization": "Token  good"})
    assert response.status_code == 200
    assert response.json() == JAKE


INVALID = pytest.mark.parametrize(
    "header", ["good", "Token", "Token ", "Basic good", "Token bad", "Tokengood"]
)
EMPTY = pytest.mark.parametrize("header", ["", " "])


@INVALID
async def test_invalid_header_gets_401_where_required(client: httpx2.AsyncClient, header: str) -> None:
    response = await client.get("/required", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.json() == {"errors": {"token": ["is invalid"]}}


@INVALID
async def test_invalid_header_counts_as_none_where_optional(client: httpx2.AsyncClient, header: str) -> None:
    response = await client.get("/optional", headers={"Authorization": header})
    assert (response.status_code, response.json()) == (200, None)


@EMPTY
async def test_empty_header_is_none(client: httpx2.AsyncClient, header: str) -> None:
    required, optional = [
        await client.get(path, headers={"Authorization": header}) for path in ("/required", "/optional")
    ]
    assert (required.status_code, required.json()) == (401, {"errors": {"token": ["is missing"]}})
    assert (optional.status_code, optional.json()) == (200, None)
