"""Every GET has a strong ETag and supports If-None-Match (RFC 9110, 8.8.3 and 13.1.2)."""

import pytest

from tests.client import Api, Json
from tests.conformance.official_document import operations_of

PAGES = ["/docs", "/openapi.json", "/architecture", "/health/live"]
PATH_PARAMETERS = {"slug": "dragons", "username": "jake"}


@pytest.fixture
async def jake(api: Api) -> Api:
    """Return the API as the author of an article."""
    jake = api.as_user("jake")
    await jake.comment(await jake.publish("Dragons"))
    return jake


@pytest.fixture
async def document(api: Api) -> Json:
    """Return the served OpenAPI document."""
    content: Json = (await api.outside("GET", "/openapi.json")).json()
    return content


async def test_every_get_operation_has_a_strong_etag_and_a_304(jake: Api, document: Json) -> None:
    paths = [path.format_map(PATH_PARAMETERS) for path, method in operations_of(document) if method == "GET"]
    assert {"/articles", "/articles/feed", "/user/export"} <= set(paths)
    for path in paths:
        first = await jake.get(path)
        assert (first.status_code, first.headers["ETag"][0]) == (200, '"'), path
        again = await jake.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_has_a_strong_etag_and_a_304(api: Api, path: str) -> None:
    first = await api.outside("GET", path)
    assert (first.status_code, first.headers["ETag"][0]) == (200, '"')
    again = await api.outside("GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "Content-Length" not in again.headers


async def test_etag_changes_with_the_response(jake: Api) -> None:
    before = await jake.get("/user/export")
    await jake.publish("Knights")
    after = await jake.get("/user/export", headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.headers["ETag"] == before.headers["ETag"]) == (200, False)
