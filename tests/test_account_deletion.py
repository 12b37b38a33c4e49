"""Deleting an account deletes the user's data in every module; the export contains it.

GDPR articles 15, 17 and 20; ASVS 5.0 V14.2: users can export and delete their personal data.
"""

import json

import pytest
from sqlalchemy import BigInteger, func, select

from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.kernel.domain.events import EventHandler
from modules.users.contracts import UserDeleted
from tests.client import PASSWORD, Api, Json

# Columns with other ids than a user's.
OTHER_IDS = {"id", "article_id"}


@pytest.fixture
def settings(core_settings: Settings) -> Settings:
    """Enable only the modules whose data is created below."""
    return core_settings


@pytest.fixture
async def populated(api: Api) -> Api:
    """Return a client after jake and anna have used every feature, on each other's content."""
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


async def delete_account(api: Api, name: str = "jake", password: str = PASSWORD) -> int:
    """Delete an account and return the status."""
    response = await api.as_user(name).delete("/user", json={"user": {"password": password}})
    return response.status_code


async def id_of(composition: Composition, username: str) -> int:
    users = await composition.containers["users"].directory().by_username({username})
    return int(users[username].id)


async def rows_about(composition: Composition, user_id: int) -> dict[str, int]:
    """Return the number of rows with the user's id, for every column that may contain it."""
    counts = {}
    async with composition.database.snapshot() as session:
        for module in composition.migratable:
            for table in module.schema.metadata.sorted_tables if module.schema else ():
                for column in table.c:
                    if isinstance(column.type, BigInteger) and column.name not in OTHER_IDS:
                        statement = select(func.count()).select_from(table).where(column == user_id)
                        counts[f"{table.name}.{column.name}"] = await session.scalar(statement) or 0
    return counts


class TestDelete:
    async def test_no_row_with_the_user_remains(self, populated: Api, composition: Composition) -> None:
        jake = await id_of(composition, "jake")
        articles = composition.containers["articles"]
        ids = await articles.directory().newest(1, author="jake")
        await articles.restrictions().restrict(ids, "moderation", "moderators")
        before = await rows_about(composition, jake)
        assert len(before) >= 7
        assert min(before.values()) > 0, "no row to delete in a column: extend the fixture"
        assert await delete_account(populated) == 204
        assert set((await rows_about(composition, jake)).values()) == {0}

    async def test_other_users_data_and_counts_remain(self, populated: Api) -> None:
        await delete_account(populated)
        listed = (await populated.get("/articles")).json()
        [article] = listed["articles"]
        assert (article["slug"], article["favoritesCount"], listed["articlesCount"]) == ("by-anna", 1, 1)
        comments = (await populated.get("/articles/by-anna/comments")).json()["comments"]
        assert [comment["body"] for comment in comments] == ["To myself"]
        assert (await populated.get("/tags")).json() == {"tags": ["anna", "shared"]}
        assert (await populated.get("/articles?favorited=anna")).json()["articlesCount"] == 1
        assert (await populated.as_user("anna").get("/articles/feed")).json()["articlesCount"] == 0

    async def test_profile_token_and_password_are_invalid(self, populated: Api) -> None:
        token = await populated.as_user("jake").token()
        await delete_account(populated)
        login = {"user": {"email": "jake@example.com", "password": PASSWORD}}
        assert (await populated.get("/profiles/jake")).status_code == 404
        assert (await populated.get("/user", headers={"Authorization": f"Token {token}"})).status_code == 401
        assert (await populated.post("/users/login", login)).status_code == 401

    async def test_new_user_of_the_name_gets_none_of_the_data(self, populated: Api) -> None:
        old = await populated.as_user("jake").token()
        await delete_account(populated)
        user = {"username": "jake", "email": "jake@example.com", "password": "another horse"}
        response = await populated.post("/users", {"user": user})
        assert response.status_code == 201
        new = {"Authorization": f"Token {response.json()['user']['token']}"}
        export = (await populated.get("/user/export", headers=new)).json()["export"]
        assert export["articles"] == {"articles": [], "favorites": []}
        assert (await populated.get("/user", headers={"Authorization": f"Token {old}"})).status_code == 401

    async def test_wrong_password_gets_403(self, populated: Api) -> None:
        response = await populated.as_user("jake").delete("/user", json={"user": {"password": "wrong horse"}})
        assert (response.status_code, response.json()) == (403, {"errors": {"password": ["is wrong"]}})
        assert (await populated.get("/profiles/jake")).status_code == 200

    @pytest.mark.parametrize("body", [None, {}, {"user": {}}, {"user": {"password": ""}}])
    async def test_missing_password_deletes_nothing(self, populated: Api, body: Json | None) -> None:
        response = await populated.as_user("jake").delete("/user", **({} if body is None else {"json": body}))
        assert response.status_code == 422
        assert (await populated.get("/profiles/jake")).status_code == 200

    async def test_password_attempts_are_limited(self, populated: Api) -> None:
        assert [await delete_account(populated, password="wrong horse") for _ in range(11)] == [403] * 10 + [
            429
        ]


class TestFailingDelete:
    @pytest.fixture
    def settings(self, dedicated_settings: Settings) -> Settings:
        """Use an application of this test's own, because it gets a failing subscriber."""
        return dedicated_settings

    async def test_failing_subscriber_rolls_back_everything(
        self, populated: Api, composition: Composition
    ) -> None:
        jake = await id_of(composition, "jake")
        before = await rows_about(composition, jake)
        during: list[dict[str, int]] = []

        async def fail(_event: UserDeleted) -> None:
            during.append(await rows_about(composition, jake))
            raise LookupError("cannot delete")

        def failing() -> EventHandler[UserDeleted]:
            return fail

        composition.containers["users"].events().subscribe(UserDeleted, failing)
        assert await delete_account(populated) == 500
        assert set(during[0].values()) == {0}
        assert await rows_about(composition, jake) == before


class TestExport:
    async def test_export_contains_the_data_of_each_module(self, populated: Api) -> None:
        response = await populated.as_user("jake").get("/user/export")
        assert response.status_code == 200
        export = response.json()["export"]
        [article] = export["articles"].pop("articles")
        assert (article["slug"], article["body"], article["tagList"]) == (
            "by-jake",
            "They fly.",
            ["shared", "jake"],
        )
        comments = export["comments"].pop("comments")
        assert [(comment["article"], comment["body"]) for comment in comments] == [
            ("by-jake", "To myself"),
            ("by-anna", "To anna"),
        ]
        assert export == {
            "users": {"username": "jake", "email": "jake@example.com", "bio": None, "image": None},
            "profiles": {"following": ["anna"]},
            "articles": {"favorites": ["by-jake", "by-anna"]},
            "comments": {},
        }

    async def test_export_contains_no_secret_and_no_data_of_others(self, populated: Api) -> None:
        text = json.dumps((await populated.as_user("jake").get("/user/export")).json())
        for secret in ("argon2", "anna@example.com", "To jake", "token"):
            assert secret not in text
