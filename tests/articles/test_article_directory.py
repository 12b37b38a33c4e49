"""What the contract ArticleDirectory promises, of its fake and of the real thing alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from typing import Protocol

import pytest

from conduit_devtools.testkit import IN_MEMORY, ModuleTestApp, boot_module
from modules.articles.contracts import ArticleContent, ArticleDirectory, ArticleId, ArticlePreview
from modules.articles.domain.values import Body, Description, Tag, TagList, Title
from modules.articles.fakes import FakeArticleDirectory
from modules.articles.module import MODULE
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.fakes import NOON, FakeClock, FakeTokenVerifier
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import Profile, ProfileReader
from modules.profiles.fakes import FakeProfileReader

NOTHING = ArticleId(404)
# As long as a deletion that nothing holds up could want, many times over.
TIMEOUT_SECONDS = 0.1


class World(Protocol):
    """An article directory, and what lets there be articles in it, published at noon."""

    profiles: FakeProfileReader
    database: Database

    @property
    def directory(self) -> ArticleDirectory: ...

    async def article(self, title: str, author: UserId, *, tags: Sequence[str] = ()) -> ArticleId:
        """Publish an article whose slug is its title in lower case, about "Fire"."""
        ...

    async def favorite(self, article: ArticleId, user: UserId) -> None: ...

    async def delete(self, article: ArticleId) -> None: ...


class FakeWorld:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.profiles = FakeProfileReader()
        self.directory = FakeArticleDirectory(database, self.profiles)

    async def article(self, title: str, author: UserId, *, tags: Sequence[str] = ()) -> ArticleId:
        return self.directory.add(title.lower(), author=author, title=title, description="Fire", tags=tags)

    async def favorite(self, article: ArticleId, user: UserId) -> None:
        self.directory.favorite(article, user)

    async def delete(self, article: ArticleId) -> None:
        await self.directory.remove(article)


class RealWorld:
    def __init__(self, articles: ModuleTestApp, profiles: FakeProfileReader) -> None:
        self.database = articles.database
        self.profiles = profiles
        self.directory = articles.container.directory()
        self._publishing = articles.container.service()
        self._published: dict[ArticleId, tuple[str, UserId]] = {}

    async def article(self, title: str, author: UserId, *, tags: Sequence[str] = ()) -> ArticleId:
        tag_list = TagList(tuple(Tag(tag) for tag in tags))
        view = await self._publishing.publish(
            author, Title(title), Description("Fire"), Body("It burns."), tag_list
        )
        article: ArticleId = (await self.directory.ids({view.slug}))[view.slug]
        self._published[article] = (view.slug, author)
        return article

    async def favorite(self, article: ArticleId, user: UserId) -> None:
        slug, _ = self._published[article]
        await self._publishing.favorite(slug, user)

    async def delete(self, article: ArticleId) -> None:
        slug, author = self._published[article]
        await self._publishing.delete(slug, author)


@asynccontextmanager
async def fake() -> AsyncIterator[World]:
    database = Database(IN_MEMORY)
    yield FakeWorld(database)
    await database.dispose()


@asynccontextmanager
async def real() -> AsyncIterator[World]:
    profiles = FakeProfileReader()
    offers = {ProfileReader: profiles, TokenVerifier: FakeTokenVerifier()}
    async with boot_module(MODULE, offers, clock=FakeClock()) as articles:
        yield RealWorld(articles, profiles)


@pytest.fixture(params=[fake, real])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    make: Callable[[], AbstractAsyncContextManager[World]] = request.param
    async with make() as world:
        yield world


async def test_it_is_what_its_contract_says(world: World) -> None:
    assert isinstance(world.directory, ArticleDirectory)


class TestIds:
    async def test_ids_are_returned_by_slug(self, world: World) -> None:
        jake = world.profiles.add("jake")
        dragons, castles = await world.article("Dragons", jake), await world.article("Castles", jake)
        await world.article("Knights", jake)
        assert await world.directory.ids({"dragons", "castles"}) == {"dragons": dragons, "castles": castles}

    async def test_those_that_do_not_exist_are_left_out(self, world: World) -> None:
        dragons = await world.article("Dragons", world.profiles.add("jake"))
        assert await world.directory.ids({"dragons", "dragon", "Dragons", ""}) == {"dragons": dragons}

    async def test_a_deleted_article_does_not_exist(self, world: World) -> None:
        dragons = await world.article("Dragons", world.profiles.add("jake"))
        await world.delete(dragons)
        assert await world.directory.ids({"dragons"}) == {}

    async def test_none_are_returned_for_none(self, world: World) -> None:
        await world.article("Dragons", world.profiles.add("jake"))
        assert await world.directory.ids(()) == {}


class TestHeld:
    async def test_it_returns_what_ids_returns(self, world: World) -> None:
        jake = world.profiles.add("jake")
        await world.article("Dragons", jake)
        await world.article("Castles", jake)
        slugs = {"dragons", "castles", "knights"}
        async with world.database.transaction():
            assert await world.directory.lock(slugs) == await world.directory.ids(slugs)

    async def test_an_article_is_not_deleted_while_it_is_held(self, world: World) -> None:
        dragons = await world.article("Dragons", world.profiles.add("jake"))
        async with world.database.transaction():
            await world.directory.lock({"dragons"})
            # A context of its own: a request of somebody else's, that knows nothing of this transaction.
            deletion = asyncio.create_task(world.delete(dragons), context=Context())
            done, _ = await asyncio.wait({deletion}, timeout=TIMEOUT_SECONDS)
            assert not done
            assert await world.directory.ids({"dragons"}) == {"dragons": dragons}
        await deletion
        assert await world.directory.ids({"dragons"}) == {}

    async def test_it_needs_an_open_transaction(self, world: World) -> None:
        await world.article("Dragons", world.profiles.add("jake"))
        with pytest.raises(RuntimeError):
            await world.directory.lock({"dragons"})

    async def test_a_snapshot_is_no_transaction(self, world: World) -> None:
        async with world.database.snapshot():
            with pytest.raises(RuntimeError):
                await world.directory.lock({"dragons"})


class TestHeldAuthors:
    async def test_authors_are_returned_by_article_and_those_that_do_not_exist_left_out(
        self, world: World
    ) -> None:
        jake, anna = world.profiles.add("jake"), world.profiles.add("anna")
        dragons, castles = await world.article("Dragons", jake), await world.article("Castles", anna)
        async with world.database.transaction():
            found = await world.directory.lock_authors({dragons, castles, NOTHING})
        assert found == {dragons: jake, castles: anna}

    async def test_an_article_is_not_deleted_while_it_is_held(self, world: World) -> None:
        dragons = await world.article("Dragons", world.profiles.add("jake"))
        async with world.database.transaction():
            await world.directory.lock_authors({dragons})
            deletion = asyncio.create_task(world.delete(dragons), context=Context())
            done, _ = await asyncio.wait({deletion}, timeout=TIMEOUT_SECONDS)
            assert not done
        await deletion

    async def test_it_needs_an_open_transaction(self, world: World) -> None:
        dragons = await world.article("Dragons", world.profiles.add("jake"))
        with pytest.raises(RuntimeError):
            await world.directory.lock_authors({dragons})


class TestPreviews:
    async def test_articles_are_returned_by_id(self, world: World) -> None:
        jake = world.profiles.add("jake", bio="I work at statefarm")
        dragons = await world.article("Dragons", jake, tags=["fire", "breath"])
        await world.article("Knights", jake)
        assert await world.directory.previews({dragons}, viewer=None) == {
            dragons: ArticlePreview(
                slug="dragons",
                title="Dragons",
                description="Fire",
                tag_list=("fire", "breath"),
                created_at=NOON,
                updated_at=NOON,
                favorited=False,
                favorites_count=0,
                author=Profile("jake", "I work at statefarm", image=None, following=False),
            )
        }

    async def test_each_article_has_its_own_author(self, world: World) -> None:
        jake, anna = world.profiles.add("jake"), world.profiles.add("anna")
        dragons, castles = await world.article("Dragons", jake), await world.article("Castles", anna)
        found = await world.directory.previews({dragons, castles}, viewer=None)
        assert {id_: preview.author.username for id_, preview in found.items()} == {
            dragons: "jake",
            castles: "anna",
        }

    async def test_those_that_do_not_exist_are_left_out(self, world: World) -> None:
        jake = world.profiles.add("jake")
        dragons, castles = await world.article("Dragons", jake), await world.article("Castles", jake)
        await world.delete(castles)
        assert set(await world.directory.previews({dragons, castles, NOTHING}, viewer=jake)) == {dragons}

    async def test_none_are_returned_for_none(self, world: World) -> None:
        jake = world.profiles.add("jake")
        await world.article("Dragons", jake)
        assert await world.directory.previews((), viewer=jake) == {}

    async def test_favorited_is_for_the_viewer(self, world: World) -> None:
        jake, anna, carl = (world.profiles.add(name) for name in ("jake", "anna", "carl"))
        dragons = await world.article("Dragons", jake)
        await world.favorite(dragons, anna)
        seen = {
            viewer: (await world.directory.previews({dragons}, viewer))[dragons].favorited
            for viewer in (anna, carl, None)
        }
        assert seen == {anna: True, carl: False, None: False}

    async def test_favorites_are_counted_for_everybody(self, world: World) -> None:
        jake, anna = world.profiles.add("jake"), world.profiles.add("anna")
        dragons, castles = await world.article("Dragons", jake), await world.article("Castles", jake)
        await world.favorite(dragons, anna)
        await world.favorite(dragons, jake)
        found = await world.directory.previews({dragons, castles}, viewer=None)
        assert {id_: preview.favorites_count for id_, preview in found.items()} == {dragons: 2, castles: 0}

    async def test_the_author_is_seen_as_the_viewer_sees_them(self, world: World) -> None:
        jake, anna = world.profiles.add("jake"), world.profiles.add("anna")
        world.profiles.follow(anna, jake)
        dragons = await world.article("Dragons", jake)
        assert (await world.directory.previews({dragons}, viewer=anna))[dragons].author.following
        assert not (await world.directory.previews({dragons}, viewer=None))[dragons].author.following


class TestTexts:
    async def test_articles_are_returned_by_id_with_their_bodies(self, world: World) -> None:
        jake = world.profiles.add("jake")
        dragons = await world.article("Dragons", jake, tags=["fire", "breath"])
        await world.article("Knights", jake)
        assert await world.directory.contents({dragons, NOTHING}) == {
            dragons: ArticleContent(
                slug="dragons",
                title="Dragons",
                description="Fire",
                body="It burns.",
                tag_list=("fire", "breath"),
                created_at=NOON,
                updated_at=NOON,
                author_id=jake,
                author="jake",
            )
        }

    async def test_none_are_returned_for_none(self, world: World) -> None:
        await world.article("Dragons", world.profiles.add("jake"))
        assert await world.directory.contents(()) == {}


class TestNewest:
    async def test_the_newest_come_first_and_no_more_than_asked_for(self, world: World) -> None:
        jake = world.profiles.add("jake")
        first, second, third = [await world.article(title, jake) for title in ("One", "Two", "Three")]
        assert await world.directory.newest(10) == [third, second, first]
        assert await world.directory.newest(2) == [third, second]

    async def test_a_tag_and_an_author_must_both_hold(self, world: World) -> None:
        jake, anna = world.profiles.add("jake"), world.profiles.add("anna")
        hers = await world.article("Dragons", anna, tags=["fire"])
        his = await world.article("Castles", jake, tags=["fire", "stone"])
        other = await world.article("Knights", jake)
        assert await world.directory.newest(10, tag="fire") == [his, hers]
        assert await world.directory.newest(10, author="JAKE") == [other, his]
        assert await world.directory.newest(10, tag="fire", author="anna") == [hers]

    async def test_there_are_none_by_nobody(self, world: World) -> None:
        await world.article("Dragons", world.profiles.add("jake"))
        assert await world.directory.newest(10, author="anna") == []
        assert await world.directory.newest(10, tag="water") == []


class TestAllIds:
    async def test_the_oldest_come_first(self, world: World) -> None:
        assert await world.directory.all_ids() == []
        jake = world.profiles.add("jake")
        articles = [await world.article(title, jake) for title in ("One", "Two", "Three")]
        await world.delete(articles.pop(1))
        assert await world.directory.all_ids() == articles
