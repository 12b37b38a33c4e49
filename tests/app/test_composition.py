"""How modules are put together: made-up ones for what goes wrong, Conduit's own for what works."""

import shutil
from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path
from typing import Protocol, runtime_checkable

import pytest
from dependency_injector import providers
from sqlalchemy import Column, Integer, Table, text

from conduit_app.application import compose_from_settings, create_application
from conduit_app.composition import Composition, CompositionError, resolve_order
from conduit_app.discovery import in_tree
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings
from modules.kernel.container import ModuleContainer
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.schema import Schema, module_metadata
from modules.kernel.module import Module
from tests.client import Api


@runtime_checkable
class Bread(Protocol):
    """A contract."""


@runtime_checkable
class Butter(Protocol):
    """Another contract."""


class Anything(ModuleContainer):
    """A container for whatever is offered and needed."""

    thing = providers.Singleton(object)
    one: providers.Dependency[object] = providers.Dependency()
    other: providers.Dependency[object] = providers.Dependency()


def module(name: str, *, offers: tuple[type, ...] = (), needs: tuple[type, ...] = ()) -> Module:
    return Module(
        name=name,
        container=Anything,
        offers=dict.fromkeys(offers, "thing"),
        needs=dict(zip(("one", "other"), needs, strict=False)),
    )


def with_table(name: str, table: str) -> Module:
    metadata = module_metadata()
    Table(table, metadata, Column("id", Integer, primary_key=True))
    return Module(name=name, container=Anything, schema=Schema(metadata, Path("migrations")))


def refusal(*modules: Module, disabled: tuple[str, ...] = ()) -> str:
    with pytest.raises(CompositionError) as caught:
        resolve_order(modules, disabled)
    return str(caught.value)


class TestOrder:
    def test_a_module_comes_after_those_it_needs_in_whatever_order_they_are_found(self) -> None:
        found = [
            module("kitchen", needs=(Bread, Butter)),
            module("bakery", offers=(Bread,), needs=(Butter,)),
            module("dairy", offers=(Butter,)),
        ]
        for shuffled in permutations(found):
            assert [one.name for one in resolve_order(shuffled)] == ["dairy", "bakery", "kitchen"]

    def test_modules_that_do_not_need_each_other_stay_as_they_are_found(self) -> None:
        for shuffled in permutations([module("bakery"), module("dairy"), module("kitchen")]):
            assert resolve_order(shuffled) == list(shuffled)

    def test_conduits_own_fit_together(self) -> None:
        names = [one.name for one in resolve_order(in_tree())]
        ours = [name for name in names if name in {"users", "profiles", "articles", "comments"}]
        assert ours == ["users", "profiles", "articles", "comments"]


class TestRefusals:
    def test_nobody_offers_what_one_needs(self) -> None:
        assert refusal(module("kitchen", needs=(Bread,))) == ("kitchen needs Bread, which no module offers")

    def test_two_offer_the_same(self) -> None:
        assert refusal(module("bakery", offers=(Bread,)), module("mill", offers=(Bread,))) == (
            "bakery and mill both offer Bread"
        )

    def test_two_need_each_other(self) -> None:
        assert refusal(
            module("bakery", offers=(Bread,), needs=(Butter,)),
            module("dairy", offers=(Butter,), needs=(Bread,)),
        ) in {
            f"modules need each other in a circle: {circle}"
            for circle in (
                "bakery needs Butter of dairy, dairy needs Bread of bakery",
                "dairy needs Bread of bakery, bakery needs Butter of dairy",
            )
        }

    def test_one_needs_what_it_offers_itself(self) -> None:
        assert refusal(module("bakery", offers=(Bread,), needs=(Bread,))) == (
            "modules need each other in a circle: bakery needs Bread of bakery"
        )

    def test_two_have_one_name(self) -> None:
        assert refusal(module("bakery"), module("bakery")) == "two modules are called bakery"

    def test_the_name_of_one_begins_with_the_table_prefix_of_another(self) -> None:
        assert refusal(module("blog_post"), module("blog")) == (
            "the tables of blog and blog_post cannot be told apart by their prefix"
        )

    def test_one_has_a_table_with_the_prefix_of_another(self) -> None:
        assert refusal(module("users"), with_table("bookmarks", "users_bookmark")) == (
            "the table users_bookmark of bookmarks does not begin with bookmarks_"
        )


class TestSwitchingOff:
    def test_what_another_needs_cannot_be_switched_off(self) -> None:
        bakery, kitchen = module("bakery", offers=(Bread,)), module("kitchen", needs=(Bread,))
        assert refusal(bakery, kitchen, disabled=("bakery",)) == (
            "bakery is switched off, but kitchen needs its Bread"
        )

    def test_it_can_together_with_the_other(self) -> None:
        bakery, kitchen = module("bakery", offers=(Bread,)), module("kitchen", needs=(Bread,))
        assert resolve_order([bakery, kitchen], ("bakery", "kitchen")) == []

    def test_what_is_switched_off_offers_nothing_that_could_clash(self) -> None:
        bakery, mill = module("bakery", offers=(Bread,)), module("mill", offers=(Bread,))
        kitchen = module("kitchen", needs=(Bread,))
        assert resolve_order([bakery, mill, kitchen], ("bakery",)) == [mill, kitchen]

    def test_a_module_that_is_not_there_cannot_be_switched_off(self) -> None:
        assert refusal(module("bakery"), disabled=("dairy", "cellar")) == (
            "cannot switch off cellar, dairy: there is no such module"
        )


@pytest.fixture
async def without_comments(settings: Settings) -> AsyncIterator[Composition]:
    """Return Conduit without its comments, on the database of the test."""
    composition = compose_from_settings(settings.model_copy(update={"disabled_modules": ("comments",)}))
    yield composition
    await composition.database.dispose()


class TestWithoutComments:
    async def test_its_routes_are_gone(self, settings: Settings, without_comments: Composition) -> None:
        api = Api(create_application(settings, without_comments))
        article = await api.as_user("jake").publish()
        answer = await api.get(f"/articles/{article['slug']}/comments")
        assert answer.status_code == 404
        assert answer.json() == {"errors": {"path": ["not found"]}}

    async def test_the_rest_works(self, settings: Settings, without_comments: Composition) -> None:
        api = Api(create_application(settings, without_comments))
        await api.as_user("anna").follow("jake")
        article = await api.as_user("jake").publish(title="Dragons")
        await api.as_user("anna").favorite(article)
        feed = (await api.as_user("anna").get("/articles/feed")).json()
        assert [(one["title"], one["favoritesCount"]) for one in feed["articles"]] == [("Dragons", 1)]
        answer = await api.as_user("jake").delete(f"/articles/{article['slug']}")
        assert answer.status_code == 204

    async def test_its_tables_are_not_made(self, folder: Path, without_comments: Composition) -> None:
        empty = Database(f"sqlite+aiosqlite:///{folder}/empty.db")
        await migrate(empty, without_comments.modules)
        async with empty.connection() as connection:
            tables = await connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
            owners = {table.partition("_")[0] for table in tables}
        await empty.dispose()
        assert owners >= {"users", "profiles", "articles"}
        assert "comments" not in owners

    async def test_its_handlers_are_gone(
        self, api: Api, settings: Settings, without_comments: Composition
    ) -> None:
        article = await api.as_user("jake").publish()
        await api.as_user("anna").comment(article, "still there")
        other = Api(create_application(settings, without_comments))
        token = await api.as_user("jake").token()
        headers = {"Authorization": f"Token {token}"}
        assert (await other.delete(f"/articles/{article['slug']}", headers=headers)).status_code == 204
        async with without_comments.database.snapshot() as session:
            kept = await session.scalars(text("SELECT body FROM comments_comment"))
            assert kept.all() == ["still there"]


class TestTwoApplications:
    @pytest.fixture
    async def other(self, migrated: Path, folder: Path) -> AsyncIterator[Api]:
        """Return another Conduit in this process, on another database and with another secret."""
        file = shutil.copy(migrated, folder / "other.db")
        settings = Settings(
            database_url=f"sqlite+aiosqlite:///{file}", secret_key="another secret, just as long as that one"
        )
        composition = compose_from_settings(settings)
        yield Api(create_application(settings, composition))
        await composition.database.dispose()

    async def test_what_is_done_in_one_is_not_seen_in_the_other(self, api: Api, other: Api) -> None:
        await api.as_user("jake").publish()
        assert (await api.get("/articles")).json()["articlesCount"] == 1
        assert (await other.get("/articles")).json()["articlesCount"] == 0

    async def test_the_token_of_one_is_none_in_the_other(self, api: Api, other: Api) -> None:
        await other.as_user("jake").token()
        headers = {"Authorization": f"Token {await api.as_user('jake').token()}"}
        assert (await api.get("/user", headers=headers)).status_code == 200
        assert (await other.get("/user", headers=headers)).status_code == 401

    async def test_an_event_in_one_changes_nothing_in_the_other(self, api: Api, other: Api) -> None:
        for conduit in (api, other):
            article = await conduit.as_user("jake").publish(title="Dragons")
            await conduit.as_user("jake").comment(article)
        await api.as_user("jake").delete(f"/articles/{article['slug']}")
        assert (await api.get(f"/articles/{article['slug']}/comments")).status_code == 404
        left = (await other.get(f"/articles/{article['slug']}/comments")).json()
        assert len(left["comments"]) == 1
