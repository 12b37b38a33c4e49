"""An account goes with everything that it has anywhere, and tells its owner before what that is.

GDPR articles 15, 17 and 20; ASVS 5.0 V14.2: users can have what is kept about them, and can have it removed.
"""

import json

import pytest
from sqlalchemy import BigInteger, func, select

from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.kernel.domain.events import EventHandler
from modules.users.contracts import UserDeleted
from tests.client import PASSWORD, Api, Json

PASSWORD_BODY = {"user": {"password": PASSWORD}}
# Columns that hold the id of something else than a user.
OTHER_IDS = {"id", "article_id"}


@pytest.fixture
def settings(core_settings: Settings) -> Settings:
    """Let only modules be there in which something is done below."""
    return core_settings


@pytest.fixture
async def world(api: Api) -> Api:
    """Return an API at which jake and anna have done all that one can do, to each other."""
    jake, anna = api.as_user("jake"), api.as_user("anna")
    for writer, reader, name in ((jake, anna, "jake"), (anna, jake, "anna")):
        article = await writer.publish(f"By {name}", tags=["shared", name])
        await reader.favorite(article)
        await writer.favorite(article)
        await reader.comment(article, f"To {name}")
        await reader.follow(name)
        comment = {"comment": {"body": "To myself"}}
        key = {"Idempotency-Key": "1"}
        await writer.post(f"/articles/{article['slug']}/comments", comment, headers=key)
    return api


async def leave(api: Api, name: str = "jake", password: str = PASSWORD) -> int:
    """Delete an account and return the status."""
    response = await api.as_user(name).delete("/user", json={"user": {"password": password}})
    return response.status_code


async def id_of(composition: Composition, username: str) -> int:
    users = await composition.containers["users"].directory().by_username({username})
    return int(users[username].id)


async def rows_about(composition: Composition, user: int) -> dict[str, int]:
    """Return how many rows name the user, by column: every column that could."""
    counts = {}
    async with composition.database.snapshot() as session:
        for module in composition.migratable:
            for table in module.schema.metadata.sorted_tables if module.schema else ():
                for column in table.c:
                    if isinstance(column.type, BigInteger) and column.name not in OTHER_IDS:
                        statement = select(func.count()).select_from(table).where(column == user)
                        counts[f"{table.name}.{column.name}"] = await session.scalar(statement) or 0
    return counts


class TestDelete:
    async def test_nothing_anywhere_is_the_users_or_about_them(
        self, world: Api, composition: Composition
    ) -> None:
        jake = await id_of(composition, "jake")
        before = await rows_about(composition, jake)
        assert len(before) >= 7
        assert min(before.values()) > 0, "this test should look at a column that is empty"
        assert await leave(world) == 204
        assert set((await rows_about(composition, jake)).values()) == {0}

    async def test_what_others_have_stays_and_is_counted_exactly(self, world: Api) -> None:
        await leave(world)
        listed = (await world.get("/articles")).json()
        [article] = listed["articles"]
        assert (article["slug"], article["favoritesCount"], listed["articlesCount"]) == ("by-anna", 1, 1)
        comments = (await world.get("/articles/by-anna/comments")).json()["comments"]
        assert [comment["body"] for comment in comments] == ["To myself"]
        assert (await world.get("/tags")).json() == {"tags": ["anna", "shared"]}
        assert (await world.get("/articles?favorited=anna")).json()["articlesCount"] == 1
        assert (await world.as_user("anna").get("/articles/feed")).json()["articlesCount"] == 0

    async def test_neither_profile_nor_token_nor_password_is_good_any_more(self, world: Api) -> None:
        token = await world.as_user("jake").token()
        await leave(world)
        login = {"user": {"email": "jake@example.com", "password": PASSWORD}}
        assert (await world.get("/profiles/jake")).status_code == 404
        assert (await world.get("/user", headers={"Authorization": f"Token {token}"})).status_code == 401
        assert (await world.post("/users/login", login)).status_code == 401

    async def test_the_name_can_be_taken_by_somebody_who_gets_nothing_of_the_first_one(
        self, world: Api
    ) -> None:
        old = await world.as_user("jake").token()
        await leave(world)
        user = {"username": "jake", "email": "jake@example.com", "password": "another horse"}
        response = await world.post("/users", {"user": user})
        assert response.status_code == 201
        new = {"Authorization": f"Token {response.json()['user']['token']}"}
        export = (await world.get("/user/export", headers=new)).json()["export"]
        assert export["articles"] == {"articles": [], "favorites": []}
        assert (await world.get("/user", headers={"Authorization": f"Token {old}"})).status_code == 401

    async def test_it_takes_the_password_besides_the_token(self, world: Api) -> None:
        response = await world.as_user("jake").delete("/user", json={"user": {"password": "wrong horse"}})
        assert (response.status_code, response.json()) == (403, {"errors": {"password": ["is wrong"]}})
        assert (await world.get("/profiles/jake")).status_code == 200

    @pytest.mark.parametrize("body", [None, {}, {"user": {}}, {"user": {"password": ""}}])
    async def test_without_a_password_nothing_is_deleted(self, world: Api, body: Json | None) -> None:
        response = await world.as_user("jake").delete("/user", **({} if body is None else {"json": body}))
        assert response.status_code == 422
        assert (await world.get("/profiles/jake")).status_code == 200

    async def test_nobody_may_not(self, world: Api) -> None:
        assert (await world.delete("/user", json=PASSWORD_BODY)).status_code == 401

    async def test_guessing_the_password_here_is_limited_too(self, world: Api) -> None:
        assert [await leave(world, password="wrong horse") for _ in range(11)] == [403] * 10 + [429]


class TestDeleteThatFails:
    @pytest.fixture
    def settings(self, dedicated_settings: Settings) -> Settings:
        """Let the module that fails be nobody else's."""
        return dedicated_settings

    async def test_a_module_that_cannot_let_go_leaves_everything_in_place(
        self, world: Api, composition: Composition
    ) -> None:
        jake = await id_of(composition, "jake")
        before = await rows_about(composition, jake)
        seen: list[dict[str, int]] = []

        async def fail(_event: UserDeleted) -> None:
            seen.append(await rows_about(composition, jake))
            raise LookupError("cannot let go")

        def failing() -> EventHandler[UserDeleted]:
            return fail

        composition.containers["users"].events().subscribe(UserDeleted, failing)
        assert await leave(world) == 500
        assert set(seen[0].values()) == {0}
        assert await rows_about(composition, jake) == before


class TestExport:
    async def test_each_module_tells_what_it_keeps(self, world: Api) -> None:
        response = await world.as_user("jake").get("/user/export")
        assert response.status_code == 200
        export = response.json()["export"]
        [article] = export["articles"].pop("articles")
        assert (article["slug"], article["body"], article["tagList"]) == (
            "by-jake",
            "They fly.",
            ["shared", "jake"],
        )
        comments = export["comments"].pop("comments")
        assert [(one["article"], one["body"]) for one in comments] == [
            ("by-jake", "To myself"),
            ("by-anna", "To anna"),
        ]
        assert export == {
            "users": {"username": "jake", "email": "jake@example.com", "bio": None, "image": None},
            "profiles": {"following": ["anna"]},
            "articles": {"favorites": ["by-jake", "by-anna"]},
            "comments": {},
        }

    async def test_nothing_of_others_and_no_hash_is_in_it(self, world: Api) -> None:
        text = json.dumps((await world.as_user("jake").get("/user/export")).json())
        for secret in ("argon2", "anna@example.com", "To jake", "token"):
            assert secret not in text

    async def test_nobody_may_not(self, world: Api) -> None:
        assert (await world.get("/user/export")).status_code == 401
