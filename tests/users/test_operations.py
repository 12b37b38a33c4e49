"""The routes of users, beyond what tests/conformance and tests/security state."""

import httpx2

from tests.client import PASSWORD, Api

LOGIN = {"user": {"email": "jake@example.com", "password": PASSWORD}}


def authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Token {token}"}


async def current_user(api: Api, token: str) -> httpx2.Response:
    return await api.get("/user", headers=authorization(token))


async def test_log_out_everywhere_revokes_only_the_tokens_of_the_user(api: Api) -> None:
    first = await api.as_user("jake").token()
    second = (await api.post("/users/login", LOGIN)).json()["user"]["token"]
    annas = await api.as_user("anna").token()
    response = await api.post("/user/logout-all", headers=authorization(first))
    assert (response.status_code, response.content) == (204, b"")
    statuses = [(await current_user(api, token)).status_code for token in (first, second, annas)]
    assert statuses == [401, 401, 200]


async def test_login_after_log_out_everywhere_returns_a_valid_token(api: Api) -> None:
    await api.as_user("jake").post("/user/logout-all")
    token = (await api.post("/users/login", LOGIN)).json()["user"]["token"]
    assert (await current_user(api, token)).status_code == 200
