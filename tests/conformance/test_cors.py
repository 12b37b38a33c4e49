"""API.md, "CORS": pages of any origin may send requests and read responses."""

import httpx2
import pytest

from tests.client import Api
from tests.conformance.official_document import Operation, official

ORIGIN = {"Origin": "https://frontend.example"}


def _names(response: httpx2.Response, header: str) -> set[str]:
    """Return the names that a header lists, in lower case."""
    return {name.strip().lower() for name in response.headers.get(header, "").split(",")}


@pytest.mark.parametrize("path", ["/api/tags", "/api/user", "/api/articles/unknown", "/api/nowhere"])
async def test_responses_are_readable_by_any_origin(api: Api, path: str) -> None:
    response = await api.outside("GET", path, headers=ORIGIN)
    assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_early_errors_are_readable_by_any_origin(failing: Api) -> None:
    too_large = await failing.outside("POST", "/api/users", content=b" " * 7_000_000, headers=ORIGIN)
    failure = await failing.outside("GET", "/api/failing", headers=ORIGIN)
    assert (too_large.status_code, failure.status_code) == (413, 500)
    for response in (too_large, failure):
        assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_no_cookies_are_allowed_or_set(api: Api) -> None:
    response = await api.outside("GET", "/api/tags", headers=ORIGIN)
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("operation", official().operations, ids=lambda operation: operation.id)
async def test_preflight_succeeds_for_every_operation(api: Api, operation: Operation) -> None:
    headers = {"authorization", "content-type", "cache-control", "sentry-trace", "x-requested-with"}
    preflight = ORIGIN | {
        "Access-Control-Request-Method": operation.method,
        "Access-Control-Request-Headers": ",".join(sorted(headers)),
    }
    response = await api.outside(
        "OPTIONS", f"/api{operation.path.format(username='jake', slug='dragons', id=1)}", headers=preflight
    )
    assert response.status_code in (200, 204)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert operation.method.lower() in _names(response, "Access-Control-Allow-Methods")
    assert headers <= _names(response, "Access-Control-Allow-Headers")


async def test_request_id_is_accepted_and_exposed(api: Api) -> None:
    response = await api.outside("GET", "/api/tags", headers=ORIGIN | {"X-Request-ID": "frontend-7"})
    assert response.headers["X-Request-ID"] == "frontend-7"
    assert "x-request-id" in _names(response, "Access-Control-Expose-Headers")


async def test_retry_after_is_exposed(api: Api) -> None:
    response = await api.outside("GET", "/api/tags", headers=ORIGIN)
    assert "retry-after" in _names(response, "Access-Control-Expose-Headers")
