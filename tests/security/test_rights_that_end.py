"""A caller's rights that end between authentication and the write: nothing is written."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx2
import pytest
from sqlalchemy import select

from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.kernel.domain.identity import Principal
from modules.users.infrastructure.tokens import JwtTokens
from tests.api_additions import ANONYMOUS, OWNER, Access
from tests.client import PASSWORD, Api, Json
from tests.security.test_access import TABLE, send

NEW_PASSWORD = "a newer password"
WRITES = [row for row in TABLE if not row.operation.startswith("GET") and row.expected[ANONYMOUS] == 401]
SIGNED_OUT = 401

End = Callable[[Api], Awaitable[httpx2.Response]]


async def log_out_everywhere(other_session: Api) -> httpx2.Response:
    return await other_session.post("/user/logout-all")


async def change_password(other_session: Api) -> httpx2.Response:
    return await other_session.put("/user", {"user": {"password": NEW_PASSWORD}})


async def delete_account(other_session: Api) -> httpx2.Response:
    return await other_session.delete("/user", json={"user": {"password": PASSWORD}})


async def delete_article(other_session: Api) -> httpx2.Response:
    return await other_session.delete("/articles/dragons")


@pytest.fixture
def settings(core_settings: Settings) -> Settings:
    """Enable only the modules of the table of operations."""
    return core_settings


class Barrier:
    """Lets the first request that is verified wait until it is released."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.released = asyncio.Event(), asyncio.Event()
        verify = JwtTokens.verify

        async def verify_and_wait(tokens: JwtTokens, token: str) -> Principal:
            principal = await verify(tokens, token)
            if not self.reached.is_set():
                self.reached.set()
                await self.released.wait()
            return principal

        monkeypatch.setattr(JwtTokens, "verify", verify_and_wait)


@dataclass(frozen=True, slots=True)
class Scene:
    """The owner's comment and second session, and the barrier that stops the next request."""

    comment: Json
    other_session: Api
    barrier: Barrier


@pytest.fixture
async def other_session(api: Api) -> Api:
    """Return a client with another session of the owner, whom it registers."""
    await api.as_user(OWNER).token()
    credentials = {"email": f"{OWNER}@example.com", "password": PASSWORD}
    response = await api.post("/users/login", {"user": credentials})
    return Api(api.application, {OWNER: response.json()["user"]["token"]}).as_user(OWNER)


@pytest.fixture
async def scene(api: Api, other_session: Api, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Publish, comment and favorite "dragons" as the owner."""
    owner = api.as_user(OWNER)
    article = await owner.publish(tags=["myth"])
    await owner.favorite(article)
    return Scene(await owner.comment(article), other_session, Barrier(monkeypatch))


async def rows(composition: Composition) -> Mapping[str, object]:
    """Return all rows of all tables, except the counters of login attempts."""
    async with composition.database.snapshot() as session:
        return {
            table.name: (await session.execute(select(table).order_by(*table.primary_key))).all()
            for module in composition.migratable
            for table in (module.schema.metadata.sorted_tables if module.schema else ())
            if table.name != "users_login_attempt"
        }


@pytest.mark.parametrize("end", [log_out_everywhere, change_password, delete_account, delete_article])
@pytest.mark.parametrize("row", WRITES, ids=str)
async def test_rights_are_verified_where_the_request_writes(
    api: Api, composition: Composition, scene: Scene, row: Access, end: End
) -> None:
    request = asyncio.create_task(send(api, OWNER, row, scene.comment))
    await scene.barrier.reached.wait()
    ended = await end(scene.other_session)
    assert ended.is_success, ended.text
    before = await rows(composition)
    scene.barrier.released.set()
    response = await request
    if end is not delete_article:
        assert (response.status_code, response.json()) == (SIGNED_OUT, {"errors": {"token": ["is invalid"]}})
        assert await rows(composition) == before
    elif "{slug}" in row.operation:
        assert (response.status_code, response.json()) == (404, {"errors": {"article": ["not found"]}})
        assert await rows(composition) == before
    else:
        assert response.status_code == row.success


async def test_stolen_token_does_not_survive_log_out_everywhere(api: Api) -> None:
    owner = api.as_user(OWNER)
    await owner.token()

    async def renew() -> list[str]:
        tokens = []
        while (response := await owner.put("/user", {"user": {"bio": "Stolen"}})).status_code == 200:
            tokens.append(response.json()["user"]["token"])
        assert response.status_code == SIGNED_OUT
        return tokens

    thieves = [asyncio.create_task(renew()) for _ in range(8)]
    assert (await owner.post("/user/logout-all")).status_code == 204
    stolen = {token for tokens in await asyncio.gather(*thieves) for token in tokens}
    for token in stolen:
        response = await Api(api.application, {OWNER: token}).as_user(OWNER).get("/user")
        assert response.status_code == SIGNED_OUT
