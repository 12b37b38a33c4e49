"""Headers for browsers and caches (OWASP HTTP Headers Cheat Sheet, ASVS 5.0 V3.4, RFC 9110)."""

import base64
import hashlib
import re
from itertools import product

import pytest

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from tests.client import Api

REQUESTS = [
    ("GET", "/api/tags"),
    ("GET", "/api/user"),
    ("POST", "/api/users"),
    ("GET", "/nowhere"),
    ("GET", "/docs"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_responses_have_nosniff(api: Api, method: str, path: str) -> None:
    assert (await api.outside(method, path)).headers["X-Content-Type-Options"] == "nosniff"


async def test_authenticated_and_unsafe_requests_get_no_store(api: Api) -> None:
    jake = api.as_user("jake")
    await jake.publish()
    await jake.get("/user")
    await jake.get("/articles")
    await jake.get("/articles")  # from the response cache
    await api.post("/users/login", {"user": {"email": "nobody@a.org", "password": "wrong horse"}})
    assert {response.headers["Cache-Control"] for response in api.answers} == {"no-store"}


async def test_anonymous_reads_get_no_cache(api: Api) -> None:
    await api.as_user("jake").publish("Dragons")
    etag = (await api.get("/articles")).headers["ETag"]
    for conditions in ({}, {"If-None-Match": etag}):
        assert (await api.get("/articles", headers=conditions)).headers["Cache-Control"] == "no-cache"
    assert (await api.get("/articles/unknown")).headers["Cache-Control"] == "no-cache"
    assert (await api.outside("GET", "/docs")).headers["Cache-Control"] == "no-cache"


async def test_response_cached_for_one_caller_has_the_headers_of_another(
    api: Api,
) -> None:
    await api.as_user("jake").get("/articles")
    assert (await api.get("/articles")).headers["Cache-Control"] == "no-cache"


async def test_responses_vary_by_authorization_and_origin(
    settings: Settings, composition: Composition
) -> None:
    api = Api(
        create_application(
            settings.model_copy(update={"cors_origins": ("https://blog.example",)}), composition
        )
    )
    for caller, headers in product((api, api.as_user("jake")), ({}, {"Origin": "https://blog.example"})):
        response = await caller.get("/tags", headers=headers)
        assert {name.strip() for name in response.headers["Vary"].split(",")} == {"Authorization", "Origin"}
        error = await caller.get("/articles/unknown", headers=headers)
        assert {"Accept", "Authorization", "Origin"} == set(error.headers["Vary"].split(", "))


@pytest.mark.parametrize("path", ["/docs", "/docs/guides/modules", "/docs/search?q=token", "/architecture"])
async def test_csp_allows_only_the_scripts_of_the_page(api: Api, path: str) -> None:
    page = await api.outside("GET", path)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    scripts = re.findall("<script>(.*?)</script>", page.text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert [digest for digest in digests if f"'sha256-{digest}'" not in policy.get("script-src", "")] == []
    assert "unsafe" not in policy.get("script-src", "")
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert not re.search(r"<[^>]+ on\w+=", page.text), "the policy blocks inline event handlers"


async def test_plain_http_gets_no_hsts(api: Api) -> None:
    """RFC 6797, 7.2. With TLS: test_server.py."""
    assert "Strict-Transport-Security" not in (await api.get("/tags")).headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/user", "DELETE, GET, HEAD, PUT"),
        ("PUT", "/articles", "GET, HEAD, POST"),
        ("PATCH", "/articles/dragons", "DELETE, GET, HEAD, PUT"),
        ("PUT", "/articles/dragons/comments", "GET, HEAD, POST"),
        ("GET", "/articles/dragons/favorite", "DELETE, POST"),
        ("GET", "/users", "POST"),
        ("HEAD", "/users", "POST"),
        ("POST", "/articles/feed", "GET, HEAD"),
    ],
)
async def test_wrong_method_gets_all_allowed_methods(api: Api, method: str, path: str, allowed: str) -> None:
    """RFC 9110, 9.1 and 15.5.6."""
    response = await api.request(method, path)
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)


async def test_only_configured_origins_are_allowed(settings: Settings, composition: Composition) -> None:
    """ASVS 5.0 V3.4: with `CONDUIT_CORS_ORIGINS`, no other page may read a response."""
    restricted = settings.model_copy(update={"cors_origins": ("https://blog.example",)})
    api = Api(create_application(restricted, composition))
    allowed = {
        origin: (await api.get("/tags", headers={"Origin": origin})).headers.get(
            "Access-Control-Allow-Origin"
        )
        for origin in (
            "https://blog.example",
            "https://blog.example.evil.test",
            "http://blog.example",
            "null",
        )
    }
    assert allowed == dict.fromkeys(allowed) | {"https://blog.example": "https://blog.example"}


async def test_rejected_preflight_is_a_json_error(api: Api) -> None:
    preflight = {"Origin": "https://blog.example", "Access-Control-Request-Method": "PATCH"}
    response = await api.request(
        "OPTIONS", "/user", headers={**preflight, "Access-Control-Request-Headers": "Authorization, X-Forged"}
    )
    assert response.status_code == 400
    assert response.json() == {"errors": {"method": ["is not allowed here"]}}
    assert "X-Forged" not in str(response.headers)
