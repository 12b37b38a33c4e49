"""Composition: sample modules for errors, Conduit's own for the rest."""

import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from types import ModuleType
from typing import Protocol, runtime_checkable

import pytest
from dependency_injector import providers
from sqlalchemy import Column, Integer, Table, text

from conduit_app.application import compose_from_settings, create_application
from conduit_app.composition import Composition, CompositionError, resolve_order
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
    """A container for any offers and needs."""

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


def composition_error(*modules: Module, disabled: tuple[str, ...] = ()) -> str:
    with pytest.raises(CompositionError) as caught:
        resolve_order(modules, disabled)
    return str(caught.value)


class TestOrder:
    def test_module_comes_after_the_modules_that_it_needs(self) -> None:
        discovered = [
            module("kitchen", needs=(Bread, Butter)),
            module("bakery", offers=(Bread,), needs=(Butter,)),
            module("dairy", offers=(Butter,)),
        ]
        for shuffled in permutations(discovered):
            assert [ordered.name for ordered in resolve_order(shuffled)] == ["dairy", "bakery", "kitchen"]

    def test_independent_modules_stay_in_the_order_of_discovery(self) -> None:
        for shuffled in permutations([module("bakery"), module("dairy"), module("kitchen")]):
            assert resolve_order(shuffled) == list(shuffled)


class TestErrors:
    def test_missing_contract_is_rejected(self) -> None:
        assert composition_error(module("kitchen", needs=(Bread,))) == (
            "kitchen needs Bread, which no module offers"
        )

    def test_contract_with_two_providers_is_rejected(self) -> None:
        assert composition_error(module("bakery", offers=(Bread,)), module("mill", offers=(Bread,))) == (
            "bakery and mill both offer Bread"
        )

    def test_dependency_cycle_is_rejected(self) -> None:
        assert composition_error(
            module("bakery", offers=(Bread,), needs=(Butter,)),
            module("dairy", offers=(Butter,), needs=(Bread,)),
        ) in {
            f"dependency cycle: {cycle}"
            for cycle in (
                "bakery needs Butter of dairy, dairy needs Bread of bakery",
                "dairy needs Bread of bakery, bakery needs Butter of dairy",
            )
        }

    def test_module_that_needs_its_own_offer_is_rejected(self) -> None:
        assert composition_error(module("bakery", offers=(Bread,), needs=(Bread,))) == (
            "dependency cycle: bakery needs Bread of bakery"
        )

    def test_duplicate_name_is_rejected(self) -> None:
        assert composition_error(module("bakery"), module("bakery")) == "two modules are called bakery"

    def test_name_with_the_table_prefix_of_another_is_rejected(self) -> None:
        assert composition_error(module("blog_post"), module("blog")) == (
            "the tables of blog and blog_post cannot be distinguished by their prefix"
        )

    def test_table_with_the_prefix_of_another_is_rejected(self) -> None:
        assert composition_error(module("users"), with_table("bookmarks", "users_bookmark")) == (
            "the table users_bookmark of bookmarks does not begin with bookmarks_"
        )


class TestContractVersions:
    """Plugins in a package of their own, whose contracts are in the modules of this test."""

    def error(self, built: str, current: str | None, monkeypatch: pytest.MonkeyPatch) -> str | None:
        contracts = ModuleType("bakery.contracts")
        if current is not None:
            contracts.CONTRACT_VERSION = current  # type: ignore[attr-defined] # as in a contracts.py
        monkeypatch.setitem(sys.modules, "bakery", ModuleType("bakery"))
        monkeypatch.setitem(sys.modules, "bakery.contracts", contracts)
        bakery = type("BakeryContainer", (Anything,), {"__module__": "bakery.container"})
        kitchen = replace(module("kitchen"), built_with={"bakery": built})
        try:
            resolve_order([kitchen, Module(name="bakery", container=bakery)])
        except CompositionError as error:
            return str(error)
        return None

    @pytest.mark.parametrize("current", ["1.2", "1.3", "1.10"])
    def test_later_minor_version_is_accepted(self, current: str, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.error("1.2", current, monkeypatch) is None

    @pytest.mark.parametrize("current", ["1.1", "2.0", "0.2", "11.2"])
    def test_other_version_is_rejected(self, current: str, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.error("1.2", current, monkeypatch) == (
            f"kitchen was built with contract 1.2 of bakery, which is {current} here"
        )

    def test_contract_without_a_version_is_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.error("1.0", None, monkeypatch) == (
            "kitchen was built with contract 1.0 of bakery, which has no version here"
        )

    def test_malformed_version_is_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.error("1", "1.0", monkeypatch) == (
            "kitchen was built with contract 1 of bakery, not a version such as 1.0"
        )

    def test_module_in_isolation_is_accepted(self) -> None:
        kitchen = replace(module("kitchen"), built_with={"bakery": "1.0"})
        assert resolve_order([kitchen]) == [kitchen]


class TestDisabling:
    def test_needed_module_cannot_be_disabled(self) -> None:
        bakery, kitchen = module("bakery", offers=(Bread,)), module("kitchen", needs=(Bread,))
        assert composition_error(bakery, kitchen, disabled=("bakery",)) == (
            "bakery is disabled, but kitchen requires its Bread"
        )

    def test_module_can_be_disabled_with_its_dependents(self) -> None:
        bakery, kitchen = module("bakery", offers=(Bread,)), module("kitchen", needs=(Bread,))
        assert resolve_order([bakery, kitchen], ("bakery", "kitchen")) == []

    def test_offers_of_disabled_module_do_not_conflict(self) -> None:
        bakery, mill = module("bakery", offers=(Bread,)), module("mill", offers=(Bread,))
        kitchen = module("kitchen", needs=(Bread,))
        assert resolve_order([bakery, mill, kitchen], ("bakery",)) == [mill, kitchen]

    def test_unknown_module_cannot_be_disabled(self) -> None:
        assert composition_error(module("bakery"), disabled=("dairy", "cellar")) == (
            "cannot disable cellar, dairy: there is no such module"
        )


@pytest.fixture
async def without_comments(settings: Settings) -> AsyncIterator[Composition]:
    """Return Conduit without its comments, on the database of the test."""
    composition = compose_from_settings(settings.model_copy(update={"disabled_modules": ("comments",)}))
    yield composition
    await composition.database.dispose()


class TestWithoutComments:
    async def test_its_routes_return_404(self, settings: Settings, without_comments: Composition) -> None:
        api = Api(create_application(settings, without_comments))
        article = await api.as_user("jake").publish()
        response = await api.get(f"/articles/{article['slug']}/comments")
        assert response.status_code == 404
        assert response.json() == {"errors": {"path": ["not found"]}}

    async def test_other_modules_work(self, settings: Settings, without_comments: Composition) -> None:
        api = Api(create_application(settings, without_comments))
        await api.as_user("anna").follow("jake")
        article = await api.as_user("jake").publish(title="Dragons")
        await api.as_user("anna").favorite(article)
        feed = (await api.as_user("anna").get("/articles/feed")).json()
        assert [(entry["title"], entry["favoritesCount"]) for entry in feed["articles"]] == [("Dragons", 1)]
        response = await api.as_user("jake").delete(f"/articles/{article['slug']}")
        assert response.status_code == 204

    async def test_its_tables_are_not_created(self, folder: Path, without_comments: Composition) -> None:
        empty = Database(f"sqlite+aiosqlite:///{folder}/empty.db")
        await migrate(empty, without_comments.modules)
        async with empty.connection() as connection:
            tables = await connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
            owners = {table.partition("_")[0] for table in tables}
        await empty.dispose()
        assert owners >= {"users", "profiles", "articles"}
        assert "comments" not in owners

    async def test_its_handlers_do_not_run(
        self, api: Api, settings: Settings, without_comments: Composition
    ) -> None:
        article = await api.as_user("jake").publish()
        await api.as_user("anna").comment(article, "still there")
        other = Api(create_application(settings, without_comments))
        token = await api.as_user("jake").token()
        headers = {"Authorization": f"Token {token}"}
        assert (await other.delete(f"/articles/{article['slug']}", headers=headers)).status_code == 204
        async with without_comments.database.snapshot() as session:
            bodies = await session.scalars(text("SELECT body FROM comments_comment"))
            assert bodies.all() == ["still there"]


class TestTwoApplications:
    @pytest.fixture
    async def other(self, migrated: Path, folder: Path) -> AsyncIterator[Api]:
        """Return another application in this process, with another database and another secret key."""
        file = shutil.copy(migrated, folder / "other.db")
        settings = Settings(
            database_url=f"sqlite+aiosqlite:///{file}", secret_key="another secret, just as long as that one"
        )
        composition = compose_from_settings(settings)
        yield Api(create_application(settings, composition))
        await composition.database.dispose()

    async def test_data_of_one_is_not_visible_in_the_other(self, api: Api, other: Api) -> None:
        await api.as_user("jake").publish()
        assert (await api.get("/articles")).json()["articlesCount"] == 1
        assert (await other.get("/articles")).json()["articlesCount"] == 0

    async def test_token_of_one_is_rejected_by_the_other(self, api: Api, other: Api) -> None:
        await other.as_user("jake").token()
        headers = {"Authorization": f"Token {await api.as_user('jake').token()}"}
        assert (await api.get("/user", headers=headers)).status_code == 200
        assert (await other.get("/user", headers=headers)).status_code == 401

    async def test_event_in_one_is_not_handled_in_the_other(self, api: Api, other: Api) -> None:
        for conduit in (api, other):
            article = await conduit.as_user("jake").publish(title="Dragons")
            await conduit.as_user("jake").comment(article)
        await api.as_user("jake").delete(f"/articles/{article['slug']}")
        assert (await api.get(f"/articles/{article['slug']}/comments")).status_code == 404
        comments = (await other.get(f"/articles/{article['slug']}/comments")).json()
        assert len(comments["comments"]) == 1
