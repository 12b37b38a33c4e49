"""Answers are given again for as long as working them out would give the same, and no longer."""

import sqlite3
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url

from conduit_app.composition import Composition
from conduit_app.settings import Settings
from tests.client import Api
from tests.conformance.tokens import claims_of
from tests.conftest import AppInstance


@pytest.fixture
def app_instance(sqlite_app: AppInstance) -> AppInstance:
    """Return a Conduit on SQLite, which alone tells its version: on PostgreSQL nothing is kept."""
    return sqlite_app


async def test_what_has_not_changed_is_given_again_byte_for_byte(api: Api) -> None:
    await api.as_user("jake").publish("Dragons")
    first, second = [await api.get("/articles/dragons") for _ in range(2)]
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]


async def test_a_change_is_seen_by_the_next_request(api: Api) -> None:
    jake = api.as_user("jake")
    await jake.publish("Dragons")
    before = await api.get("/articles")
    await jake.publish("Knights")
    after = await api.get("/articles")
    assert (before.json()["articlesCount"], after.json()["articlesCount"]) == (1, 2)
    assert before.headers["etag"] != after.headers["etag"]


async def test_a_commit_of_another_process_is_seen_by_the_next_request(api: Api, settings: Settings) -> None:
    await api.as_user("jake").publish("Dragons")
    assert (await api.get("/articles/dragons")).json()["article"]["title"] == "Dragons"
    with sqlite3.connect(str(make_url(settings.database_url).database)) as other:
        other.execute("UPDATE articles_article SET title = 'Wyverns'")
    other.close()
    assert (await api.get("/articles/dragons")).json()["article"]["title"] == "Wyverns"


async def test_callers_get_their_own(api: Api) -> None:
    jake, anna = api.as_user("jake"), api.as_user("anna")
    article = await jake.publish("Dragons")
    await anna.favorite(article)
    seen = [
        (await caller.get("/articles/dragons")).json()["article"]["favorited"] for caller in (anna, jake, api)
    ]
    assert seen == [True, False, False]


async def test_two_authorization_headers_are_no_other_caller(api: Api) -> None:
    anna, jake = api.as_user("anna"), api.as_user("jake")
    tokens = [("Authorization", f"Token {await caller.token()}") for caller in (anna, jake)]
    await anna.favorite(await jake.publish("Dragons"))
    asked = [
        await api.outside("GET", "/api/articles/dragons", headers=order) for order in (tokens, tokens[::-1])
    ]
    again = [
        await api.outside("GET", "/api/articles/dragons", headers=order) for order in (tokens, tokens[::-1])
    ]
    assert [answer.content for answer in asked] == [answer.content for answer in again]


async def test_a_token_that_has_ended_opens_nothing_that_is_kept(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    jake = api.as_user("jake")
    await jake.publish("Dragons")
    assert (await jake.get("/articles/dragons")).status_code == 200
    later = time.time() + 15 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr(
        "modules.kernel.domain.clock.SystemClock.now", lambda _clock: datetime.fromtimestamp(later, UTC)
    )
    assert (await jake.get("/articles/dragons")).status_code == 401


@pytest.mark.parametrize("tag", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
async def test_whoever_has_it_already_is_told_so_without_it(api: Api, tag: str) -> None:
    await api.as_user("jake").publish("Dragons")
    etag = (await api.get("/articles")).headers["etag"]
    answer = await api.get("/articles", headers={"If-None-Match": tag.format(etag=etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)


async def test_several_lines_of_tags_are_one_list(api: Api) -> None:
    """RFC 9110, 5.3: whether the answer was kept or is worked out."""
    await api.as_user("jake").publish("Dragons")
    for path in ("/api/articles", "/openapi.json"):
        etag = (await api.outside("GET", path)).headers["ETag"]
        for tags in ([etag, '"other"'], ['"other"', etag]):
            answer = await api.outside("GET", path, headers=[("If-None-Match", tag) for tag in tags])
            assert answer.status_code == 304


async def test_ones_own_account_is_given_again_for_a_minute(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(seconds: float) -> None:
        then = time.time() + seconds
        monkeypatch.setattr(time, "time", lambda: then)
        monkeypatch.setattr(
            "modules.kernel.domain.clock.SystemClock.now", lambda _clock: datetime.fromtimestamp(then, UTC)
        )

    jake = api.as_user("jake")
    first = await jake.get("/user")
    wait(59)
    assert (await jake.get("/user")).content == first.content
    wait(2)
    renewed = (await jake.get("/user")).json()["user"]["token"]
    assert claims_of(renewed)["iat"] >= claims_of(first.json()["user"]["token"])["iat"] + 60


async def test_a_change_of_ones_own_account_is_seen_by_the_next_request(api: Api) -> None:
    jake = api.as_user("jake")
    assert (await jake.get("/user")).json()["user"]["bio"] is None
    await jake.put("/user", json={"user": {"bio": "I write."}})
    assert (await jake.get("/user")).json()["user"]["bio"] == "I write."


async def test_errors_are_worked_out_each_time(api: Api) -> None:
    assert "etag" not in (await api.get("/articles/dragons")).headers
    await api.as_user("jake").publish("Dragons")
    assert (await api.get("/articles/dragons")).status_code == 200


async def test_the_version_is_another_one_after_every_commit(composition: Composition, api: Api) -> None:
    versions = [composition.database.data_version()]
    for title in ("Dragons", "Knights"):
        await api.as_user("jake").publish(title)
        versions.append(composition.database.data_version())
    assert None not in versions
    assert len(set(versions)) == len(versions)
