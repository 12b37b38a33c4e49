"""API.md: the operation on tags."""

from string import ascii_letters

from tests.client import Api


async def test_tags_are_empty_without_articles(api: Api) -> None:
    response = await api.get("/tags")
    assert response.status_code == 200
    assert response.json() == {"tags": []}


async def test_tags_are_distinct_and_the_most_used_first(api: Api) -> None:
    jake = api.as_user("jake")
    for tags in (["once", "thrice"], ["twice", "thrice"], ["thrice", "twice"]):
        await jake.publish(tags=tags)
    assert (await api.get("/tags")).json() == {"tags": ["thrice", "twice", "once"]}


async def test_only_the_1000_most_used_tags_are_listed(api: Api) -> None:
    jake = api.as_user("jake")
    for number in range(34):
        await jake.publish(tags=[f"tag {number} {letter}" for letter in ascii_letters[:30]])
    await jake.publish(tags=["zebra"])
    await jake.publish(tags=["zebra"])
    tags = (await api.get("/tags")).json()["tags"]
    assert len(tags) == 1_000
    assert tags[0] == "zebra"


async def test_deletions_and_updates_reduce_the_use_of_a_tag(api: Api) -> None:
    jake = api.as_user("jake")
    await jake.publish("Kept", tags=["kept"])
    deleted = await jake.publish("Deleted", tags=["fading", "kept"])
    updated = await jake.publish("Updated", tags=["fading"])
    await jake.publish("Fading", tags=["fading"])
    assert (await api.get("/tags")).json() == {"tags": ["fading", "kept"]}
    await jake.delete(f"/articles/{deleted['slug']}")
    await jake.put(f"/articles/{updated['slug']}", {"article": {"tagList": ["kept"]}})
    assert (await api.get("/tags")).json() == {"tags": ["kept", "fading"]}
