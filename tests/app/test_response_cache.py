"""The response cache: a cached response equals a recomputed one."""

import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.kernel.domain.identity import Principal, TokenInvalid
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.infrastructure.tokens import JwtTokens
from tests.client import Api
from tests.sql_recorder import StatementRecorder


async def test_cached_response_is_identical(api: Api) -> None:
    await api.as_user("jake").publish("Dragons")
    first, second = [await api.get("/articles/dragons") for _ in range(2)]
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]


async def test_response_is_cached_while_nothing_is_committed(api: Api, composition: Composition) -> None:
    await api.as_user("jake").publish("Dragons")
    recorder = StatementRecorder(composition.database)
    for _ in range(100):  # other tests commit on the same PostgreSQL server
        recorder.statements.clear()
        assert (await api.get("/articles")).json()["articlesCount"] == 1
        if not recorder.statements:
            break
    recorder.stop()
    assert recorder.statements == []


async def test_commit_invalidates_the_cache(api: Api) -> None:
    jake = api.as_user("jake")
    await jake.publish("Dragons")
    before = await api.get("/articles")
    await jake.publish("Knights")
    after = await api.get("/articles")
    assert (before.json()["articlesCount"], after.json()["articlesCount"]) == (1, 2)
    assert before.headers["etag"] != after.headers["etag"]


async def test_commit_of_another_process_invalidates_the_cache(api: Api, settings: Settings) -> None:
    await api.as_user("jake").publish("Dragons")
    assert (await api.get("/articles/dragons")).json()["article"]["title"] == "Dragons"
    other = Database(settings.database_url)
    async with other.transaction() as session:
        await session.execute(text("UPDATE articles_article SET title = 'Wyverns'"))
    await other.dispose()
    assert (await api.get("/articles/dragons")).json()["article"]["title"] == "Wyverns"


async def test_responses_are_cached_per_caller(api: Api) -> None:
    jake, anna = api.as_user("jake"), api.as_user("anna")
    article = await jake.publish("Dragons")
    await anna.favorite(article)
    favorited = [
        (await caller.get("/articles/dragons")).json()["article"]["favorited"] for caller in (anna, jake, api)
    ]
    assert favorited == [True, False, False]


async def test_cache_key_has_all_authorization_headers(api: Api) -> None:
    anna, jake = api.as_user("anna"), api.as_user("jake")
    tokens = [("Authorization", f"Token {await caller.token()}") for caller in (anna, jake)]
    await anna.favorite(await jake.publish("Dragons"))
    first = [
        await api.outside("GET", "/api/articles/dragons", headers=order) for order in (tokens, tokens[::-1])
    ]
    second = [
        await api.outside("GET", "/api/articles/dragons", headers=order) for order in (tokens, tokens[::-1])
    ]
    assert [response.content for response in first] == [response.content for response in second]


async def test_expired_token_is_not_served_from_the_cache(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    jake = api.as_user("jake")
    await jake.publish("Dragons")
    assert (await jake.get("/user")).status_code == 200
    assert "WWW-Authenticate" not in (await jake.get("/articles/dragons")).headers
    later = time.time() + 15 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr(
        "modules.kernel.domain.clock.SystemClock.now", lambda _clock: datetime.fromtimestamp(later, UTC)
    )
    assert (await jake.get("/user")).status_code == 401
    assert "WWW-Authenticate" in (await jake.get("/articles/dragons")).headers


async def test_response_to_an_invalid_token_is_cached_as_anonymous(
    api: Api, composition: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not under the token: one that is not valid yet gets its own response later."""
    jake = api.as_user("jake")
    await jake.favorite(await jake.publish("Dragons"))
    recorder = StatementRecorder(composition.database)
    for _ in range(100):  # other tests commit on the same PostgreSQL server
        with monkeypatch.context() as patch:
            patch.setattr(JwtTokens, "verify", _refuse)
            response = await jake.get("/articles/dragons")
        assert response.json()["article"]["favorited"] is False
        recorder.statements.clear()
        assert (await api.get("/articles/dragons")).content == response.content
        if not recorder.statements:
            break
        await jake.put("/user", json={"user": {"bio": "I write."}})  # empties the cache
    recorder.stop()
    assert recorder.statements == []
    assert (await jake.get("/articles/dragons")).json()["article"]["favorited"] is True


async def _refuse(_tokens: JwtTokens, _token: str) -> Principal:
    raise TokenInvalid


@pytest.mark.parametrize("if_none_match", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
async def test_matching_if_none_match_returns_304(api: Api, if_none_match: str) -> None:
    await api.as_user("jake").publish("Dragons")
    etag = (await api.get("/articles")).headers["etag"]
    response = await api.get("/articles", headers={"If-None-Match": if_none_match.format(etag=etag)})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)


async def test_if_none_match_headers_are_combined(api: Api) -> None:
    """RFC 9110, 5.3, for cached and for computed responses."""
    await api.as_user("jake").publish("Dragons")
    for path in ("/api/articles", "/openapi.json"):
        etag = (await api.outside("GET", path)).headers["ETag"]
        for tags in ([etag, '"other"'], ['"other"', etag]):
            response = await api.outside("GET", path, headers=[("If-None-Match", tag) for tag in tags])
            assert response.status_code == 304


async def test_update_of_current_user_invalidates_the_cache(api: Api) -> None:
    jake = api.as_user("jake")
    assert (await jake.get("/user")).json()["user"]["bio"] is None
    await jake.put("/user", json={"user": {"bio": "I write."}})
    assert (await jake.get("/user")).json()["user"]["bio"] == "I write."


async def test_errors_are_not_cached(api: Api) -> None:
    assert "etag" not in (await api.get("/articles/dragons")).headers
    await api.as_user("jake").publish("Dragons")
    assert (await api.get("/articles/dragons")).status_code == 200


async def test_data_version_changes_with_every_commit(composition: Composition, api: Api) -> None:
    versions = [await composition.database.data_version()]
    for title in ("Dragons", "Knights"):
        await api.as_user("jake").publish(title)
        versions.append(await composition.database.data_version())
    assert None not in versions
    assert len(set(versions)) == len(versions)
