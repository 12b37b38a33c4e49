"""The kit that boots one module by itself, tried on Conduit's own modules and on one made up."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import text

from conduit_app.composition import CompositionError
from conduit_devtools.testkit import IN_MEMORY, ModuleTestApp, boot_module
from modules.articles.contracts import ArticleDeleted, ArticleDirectory, ArticlePublished
from modules.articles.fakes import FakeArticleDirectory
from modules.articles.module import MODULE as ARTICLES
from modules.comments.module import MODULE as COMMENTS
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.events import EventHandler
from modules.kernel.domain.identity import TokenVerifier
from modules.kernel.fakes import FakeClock, FakeTokenVerifier
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.module import Module, Subscription
from modules.profiles.contracts import ProfileReader
from modules.profiles.fakes import FakeProfileReader
from modules.users.infrastructure.settings import UsersSettings
from modules.users.module import MODULE as USERS
from tests.client import Api


class Neighbours:
    """All that comments and articles need, in memory, with jake in it and his article "dragons"."""

    def __init__(self) -> None:
        self.database = Database(IN_MEMORY)
        profiles, tokens = FakeProfileReader(), FakeTokenVerifier()
        articles = FakeArticleDirectory(self.database, profiles)
        jake = profiles.add("jake")
        self.tokens = {"jake": tokens.issue(jake)}
        self.dragons = articles.add("dragons", author=jake)
        self.offers: Mapping[type, object] = {
            ArticleDirectory: articles,
            ProfileReader: profiles,
            TokenVerifier: tokens,
        }

    def without(self, contract: type) -> Mapping[type, object]:
        """Return what they offer but for this."""
        return {offered: fake for offered, fake in self.offers.items() if offered is not contract}


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


@pytest.fixture
async def comments(neighbours: Neighbours) -> AsyncIterator[ModuleTestApp]:
    """Return comments by itself."""
    async with boot_module(
        COMMENTS, neighbours.offers, database=neighbours.database, clock=FakeClock()
    ) as comments:
        yield comments


@pytest.fixture
def jake(comments: ModuleTestApp, neighbours: Neighbours) -> Api:
    """Return comments as jake sees it."""
    return Api(comments.application, neighbours.tokens).as_user("jake")


class TestWhatRuns:
    async def test_the_module_answers_under_api(self, jake: Api) -> None:
        said = await jake.comment({"slug": "dragons"}, "Nice")
        assert said["author"]["username"] == "jake"
        answer = await jake.get("/articles/dragons/comments")
        assert answer.json() == {"comments": [said]}

    async def test_no_other_module_does(self, jake: Api) -> None:
        assert (await jake.get("/articles")).json() == {"errors": {"path": ["not found"]}}

    async def test_errors_leave_in_their_one_shape(self, comments: ModuleTestApp) -> None:
        answer = await Api(comments.application).post("/articles/dragons/comments")
        assert answer.status_code == 401
        assert answer.json() == {"errors": {"token": ["is missing"]}}

    async def test_requests_pass_the_middleware(self, jake: Api) -> None:
        answer = await jake.get("/articles/dragons/comments", headers={"X-Request-ID": "mine"})
        assert answer.headers["X-Request-ID"] == "mine"

    async def test_there_are_the_modules_tables_and_no_others(self, comments: ModuleTestApp) -> None:
        async with comments.database.snapshot() as session:
            tables = await session.scalars(
                text("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            )
        assert {table for table in tables if not table.startswith("kernel_")} == {
            "comments_alembic_version",
            "comments_comment",
        }

    async def test_time_is_that_of_the_clock(self, jake: Api) -> None:
        said = await jake.comment({"slug": "dragons"})
        assert said["createdAt"] == "2026-01-31T12:00:00.000Z"

    async def test_modules_that_run_side_by_side_share_nothing(self, jake: Api) -> None:
        others = Neighbours()
        async with boot_module(COMMENTS, others.offers, database=others.database) as other:
            await jake.comment({"slug": "dragons"})
            answer = await Api(other.application).get("/articles/dragons/comments")
        assert answer.json() == {"comments": []}


class TestWhatItNeeds:
    @pytest.mark.parametrize("contract", [ArticleDirectory, ProfileReader, TokenVerifier])
    async def test_what_is_not_offered_is_named_with_the_module(
        self, neighbours: Neighbours, contract: type
    ) -> None:
        with pytest.raises(CompositionError) as refusal:
            async with boot_module(COMMENTS, neighbours.without(contract)):
                pass
        assert str(refusal.value) == f"comments needs {contract.__name__}, which no module offers"

    async def test_what_the_module_offers_itself_cannot_be_offered_to_it(self) -> None:
        with pytest.raises(CompositionError) as refusal:
            async with boot_module(USERS, {TokenVerifier: FakeTokenVerifier()}):
                pass
        assert str(refusal.value) == "users offers TokenVerifier, and so does the outside"

    async def test_what_it_does_not_need_may_be_offered_too(self) -> None:
        async with boot_module(USERS, {ProfileReader: FakeProfileReader()}) as users:
            assert (await Api(users.application).as_user("jake").get("/user")).status_code == 200


class TestSettings:
    async def test_they_are_the_ones_given(self) -> None:
        settings = UsersSettings(token_lifetime=timedelta(seconds=5))
        async with boot_module(USERS, {}, settings) as users:
            assert users.container.settings() is settings

    async def test_they_are_their_defaults_whatever_the_environment_says(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONDUIT_TOKEN_LIFETIME", "5")
        monkeypatch.setenv("CONDUIT_MAX_BODY_SIZE", "no number at all")
        async with boot_module(USERS, {}) as users:
            assert users.container.settings().token_lifetime == timedelta(days=14)


class Burnt(Exception):
    pass


class Kitchen(ModuleContainer):
    """A module that stores nothing, and fails at whatever happens elsewhere."""


def burning(container: Kitchen) -> EventHandler[ArticleDeleted]:
    async def handle(_event: ArticleDeleted) -> None:
        container.database().require_transaction()
        raise Burnt

    return handle


class TestEvents:
    async def test_the_module_handles_what_happens_elsewhere(
        self, comments: ModuleTestApp, neighbours: Neighbours, jake: Api
    ) -> None:
        await jake.comment({"slug": "dragons"})
        await comments.publish(ArticleDeleted(neighbours.dragons))
        assert (await jake.get("/articles/dragons/comments")).json() == {"comments": []}

    async def test_it_does_so_in_a_transaction_and_its_failure_is_the_publishers(self) -> None:
        kitchen = Module(
            name="kitchen", container=Kitchen, subscriptions=[Subscription(ArticleDeleted, burning)]
        )
        async with boot_module(kitchen, {}) as alone:
            with pytest.raises(Burnt):
                await alone.publish(ArticleDeleted(1))

    async def test_what_the_module_tells_is_kept_in_order(self, neighbours: Neighbours) -> None:
        offers = neighbours.without(ArticleDirectory)
        async with boot_module(ARTICLES, offers) as articles:
            jake = Api(articles.application, neighbours.tokens).as_user("jake")
            for title in ("Dragons", "Castles"):
                await jake.publish(title)
            ids = await articles.container.directory().ids({"dragons", "castles"})
            await jake.delete("/articles/castles")
            await jake.delete("/articles/dragons")
        assert articles.published == [
            ArticlePublished(ids["dragons"]),
            ArticlePublished(ids["castles"]),
            ArticleDeleted(ids["castles"]),
            ArticleDeleted(ids["dragons"]),
        ]
