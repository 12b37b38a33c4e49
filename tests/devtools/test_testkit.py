"""The test kit, with modules of Conduit and with a module of this file."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import text

from conduit_app.composition import CompositionError
from conduit_devtools.testkit import IN_MEMORY, ModuleTestApp, boot_module
from modules.articles.contracts import ArticleDirectory, ArticlePublished, ArticlesDeleted
from modules.articles.fakes import FakeArticleDirectory
from modules.articles.module import MODULE as ARTICLES
from modules.comments.module import MODULE as COMMENTS
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.events import DeliveryMode, Effect, EventHandler
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.fakes import FakeClock, FakeTokenVerifier
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.module import Module, Subscription
from modules.profiles.contracts import ProfileReader
from modules.profiles.fakes import FakeProfileReader
from modules.users.infrastructure.settings import UsersSettings
from modules.users.module import MODULE as USERS
from tests.client import Api


class UpstreamFakes:
    """Fakes of the contracts that comments and articles need, with jake and his article "dragons"."""

    def __init__(self) -> None:
        self.database = Database(IN_MEMORY)
        profiles, tokens = FakeProfileReader(), FakeTokenVerifier()
        articles = FakeArticleDirectory(self.database, profiles)
        self.jake = jake = profiles.add("jake")
        self.tokens = {"jake": tokens.issue(jake)}
        self.dragons = articles.add("dragons", author=jake)
        self.offers: Mapping[type, object] = {
            ArticleDirectory: articles,
            ProfileReader: profiles,
            TokenVerifier: tokens,
        }

    def without(self, contract: type) -> Mapping[type, object]:
        """Return the fakes except that of one contract."""
        return {offered: fake for offered, fake in self.offers.items() if offered is not contract}


@pytest.fixture
def upstream() -> UpstreamFakes:
    return UpstreamFakes()


@pytest.fixture
async def comments(upstream: UpstreamFakes) -> AsyncIterator[ModuleTestApp]:
    """Return the comments module, booted alone."""
    async with boot_module(
        COMMENTS, upstream.offers, database=upstream.database, clock=FakeClock()
    ) as comments:
        yield comments


@pytest.fixture
def jake(comments: ModuleTestApp, upstream: UpstreamFakes) -> Api:
    """Return the API of the comments module, authenticated as jake."""
    return Api(comments.application, upstream.tokens).as_user("jake")


class TestApplication:
    async def test_routes_of_the_module_are_mounted(self, jake: Api) -> None:
        comment = await jake.comment({"slug": "dragons"}, "Nice")
        assert comment["author"]["username"] == "jake"
        response = await jake.get("/articles/dragons/comments")
        assert response.json() == {"comments": [comment]}

    async def test_routes_of_other_modules_are_not_mounted(self, jake: Api) -> None:
        assert (await jake.get("/articles")).json() == {"errors": {"path": ["not found"]}}

    async def test_errors_have_the_standard_body(self, comments: ModuleTestApp) -> None:
        response = await Api(comments.application).post("/articles/dragons/comments")
        assert response.status_code == 401
        assert response.json() == {"errors": {"token": ["is missing"]}}

    async def test_middleware_is_installed(self, jake: Api) -> None:
        response = await jake.get("/articles/dragons/comments", headers={"X-Request-ID": "request-1"})
        assert response.headers["X-Request-ID"] == "request-1"

    async def test_database_has_only_tables_of_the_module_and_the_kernel(
        self, comments: ModuleTestApp
    ) -> None:
        async with comments.database.snapshot() as session:
            tables = await session.scalars(
                text("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            )
        assert {table for table in tables if not table.startswith("kernel_")} == {
            "comments_alembic_version",
            "comments_comment",
        }

    async def test_clock_sets_the_time(self, jake: Api) -> None:
        comment = await jake.comment({"slug": "dragons"})
        assert comment["createdAt"] == "2026-01-31T12:00:00.000Z"

    async def test_two_booted_modules_share_no_data(self, jake: Api) -> None:
        fakes = UpstreamFakes()
        async with boot_module(COMMENTS, fakes.offers, database=fakes.database) as other:
            await jake.comment({"slug": "dragons"})
            response = await Api(other.application).get("/articles/dragons/comments")
        assert response.json() == {"comments": []}


class TestContracts:
    @pytest.mark.parametrize("contract", [ArticleDirectory, ProfileReader, TokenVerifier])
    async def test_missing_contract_is_reported(self, upstream: UpstreamFakes, contract: type) -> None:
        with pytest.raises(CompositionError) as raised:
            async with boot_module(COMMENTS, upstream.without(contract)):
                pass
        assert str(raised.value) == f"comments needs {contract.__name__}, which no module offers"

    async def test_fake_of_an_own_contract_is_rejected(self) -> None:
        with pytest.raises(CompositionError) as raised:
            async with boot_module(USERS, {TokenVerifier: FakeTokenVerifier()}):
                pass
        assert str(raised.value) == "users offers TokenVerifier, and so does the outside"

    async def test_fake_of_an_unused_contract_is_ignored(self) -> None:
        async with boot_module(USERS, {ProfileReader: FakeProfileReader()}) as users:
            assert (await Api(users.application).as_user("jake").get("/user")).status_code == 200


class TestSettings:
    async def test_settings_are_the_ones_passed(self) -> None:
        settings = UsersSettings(token_lifetime=timedelta(seconds=5))
        async with boot_module(USERS, {}, settings) as users:
            assert users.container.settings() is settings

    async def test_default_settings_ignore_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_TOKEN_LIFETIME", "5")
        monkeypatch.setenv("CONDUIT_MAX_BODY_SIZE", "not a number")
        async with boot_module(USERS, {}) as users:
            assert users.container.settings().token_lifetime == timedelta(days=14)


class HandlerFailed(Exception):
    pass


class FailingContainer(ModuleContainer):
    """The container of a module whose event handler fails."""


def failing_handler(container: FailingContainer) -> EventHandler[ArticlesDeleted]:
    async def handle(_event: ArticlesDeleted) -> None:
        container.database().require_transaction()
        raise HandlerFailed

    return handle


class TestEvents:
    async def test_module_handles_published_event(
        self, comments: ModuleTestApp, upstream: UpstreamFakes, jake: Api
    ) -> None:
        await jake.comment({"slug": "dragons"})
        await comments.publish(ArticlesDeleted(1, (upstream.dragons,)))
        assert (await jake.get("/articles/dragons/comments")).json() == {"comments": []}

    async def test_error_of_an_in_transaction_handler_is_raised(self) -> None:
        failing = Module(
            name="failing",
            container=FailingContainer,
            subscriptions=[Subscription(ArticlesDeleted, failing_handler)],
        )
        async with boot_module(failing, {}) as module:
            with pytest.raises(HandlerFailed):
                await module.publish(ArticlesDeleted(1, (1,)))

    @pytest.mark.parametrize("delivery", [DeliveryMode.AFTER_COMMIT, DeliveryMode.PREPARED_AFTER_COMMIT])
    async def test_error_of_an_after_commit_handler_is_raised_and_its_delivery_remains(
        self, delivery: DeliveryMode
    ) -> None:
        async def handle(_event: ArticlesDeleted) -> Effect:
            raise HandlerFailed

        failing = Module(
            name="failing",
            container=FailingContainer,
            subscriptions=[Subscription(ArticlesDeleted, lambda _container: handle, delivery)],
        )
        async with boot_module(failing, {}) as module:
            with pytest.raises(HandlerFailed):
                await module.publish(ArticlesDeleted(1, (1,)))
            assert (await module.messaging.outbox_admin.backlog()).pending == 1

    async def test_published_events_are_recorded_in_order(self, upstream: UpstreamFakes) -> None:
        offers = upstream.without(ArticleDirectory)
        async with boot_module(ARTICLES, offers) as articles:
            jake = Api(articles.application, upstream.tokens).as_user("jake")
            for title in ("Dragons", "Castles"):
                await jake.publish(title)
            ids = await articles.container.directory().ids({"dragons", "castles"})
            await jake.delete("/articles/castles")
            await jake.delete("/articles/dragons")
        assert articles.published == [
            ArticlePublished(ids["dragons"]),
            ArticlePublished(ids["castles"]),
            ArticlesDeleted(upstream.jake, (ids["castles"],)),
            ArticlesDeleted(upstream.jake, (ids["dragons"],)),
        ]
