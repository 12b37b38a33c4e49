"""The routes of profiles, beyond what tests/conformance and tests/security state."""

from tests.client import Api


async def test_any_username_can_be_used_in_the_url(api: Api) -> None:
    await api.as_user("жан-поль?&#%+é").token()
    path = "/profiles/%D0%B6%D0%B0%D0%BD-%D0%BF%D0%BE%D0%BB%D1%8C%3F%26%23%25%2B%C3%A9"
    response = await api.get(path)
    assert response.status_code == 200
    assert response.json()["profile"]["username"] == "жан-поль?&#%+é"


async def test_user_can_follow_themselves(api: Api) -> None:
    assert (await api.as_user("jake").follow("jake"))["following"]
