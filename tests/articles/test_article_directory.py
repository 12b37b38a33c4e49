"""The contract ArticleDirectory, tested on the fake and on the implementation."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from typing import Protocol

import pytest

from conduit_devtools.testkit import IN_MEMORY, ModuleTestApp, boot_module
from modules.articles.contracts import (
    ArticleContent,
    ArticleDirectory,
    ArticleId,
    ArticlePreview,
    ArticleRestrictions,
)
from modules.articles.domain.article import ArticleChanges
from modules.articles.domain.values import Body, Description, Tag, TagList, Title
from modules.articles.fakes import FakeArticleDirectory, FakeArticleRestrictions
from modules.articles.module import MODULE
from modules.kernel.domain.identity import TokenVerifier, UserId
from modules.kernel.fakes import NOON, FakeClock, FakeTokenVerifier, FakeUnitOfWork
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import Profile, ProfileReader
from modules.profiles.fakes import FakeProfileReader

UNKNOWN = ArticleId(404)
# Many times the duration of a deletion that no lock blocks.
TIMEOUT_SECONDS = 0.1


class DirectoryUnderTest(Protocol):
    """An article directory, and how to change its articles, which are published at noon."""

    profiles: FakeProfileReader
    database: Database

    @property
    def directory(self) -> ArticleDirectory: ...

    @property
    def restrictions(self) -> ArticleRestrictions: ...

    async def publish(self, title: str, author_id: UserId, *, tags: Sequence[str] = ()) -> ArticleId:
        """Publish an article whose slug is its title in lower case, about "Fire"."""
        ...

    async def favorite(self, article_id: ArticleId, user_id: UserId) -> None: ...

    async def change_slug(self, article_id: ArticleId, title: str) -> None:
        """Give an article the slug of this title, which is the title in lower case."""
        ...

    async def delete(self, article_id: ArticleId) -> None: ...

    async def restrict(self, article_id: ArticleId, *seen_by: UserId) -> None:
        """Restrict an article to its author and these users."""
        ...


class FakeDirectory:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.profiles = FakeProfileReader()
        self.directory = FakeArticleDirectory(database, self.profiles)
        self.restrictions = FakeArticleRestrictions(self.directory)

    async def publish(self, title: str, author_id: UserId, *, tags: Sequence[str] = ()) -> ArticleId:
        return self.directory.add(title.lower(), author=author_id, title=title, description="Fire", tags=tags)

    async def favorite(self, article_id: ArticleId, user_id: UserId) -> None:
        self.directory.favorite(article_id, user_id)

    async def change_slug(self, article_id: ArticleId, title: str) -> None:
        self.directory.change_slug(article_id, title.lower())

    async def delete(self, article_id: ArticleId) -> None:
        await self.directory.remove(article_id)

    async def restrict(self, article_id: ArticleId, *seen_by: UserId) -> None:
        self.directory.restrict(article_id, seen_by=seen_by)


class SqlDirectory:
    def __init__(self, articles: ModuleTestApp, profiles: FakeProfileReader) -> None:
        self.database = articles.database
        self.profiles = profiles
        self.directory = articles.container.directory()
        self._service = articles.container.service()
        self._published: dict[ArticleId, tuple[str, UserId]] = {}
        self.restrictions = articles.container.restrictions()
        self._seen_by: dict[str, Collection[UserId]] = {}
        articles.container.audiences().add("moderation", lambda: self._audiences)

    async def publish(self, title: str, author_id: UserId, *, tags: Sequence[str] = ()) -> ArticleId:
        tag_list = TagList(tuple(Tag(tag) for tag in tags))
        view = await self._service.publish(
            author_id, Title(title), Description("Fire"), Body("It burns."), tag_list
        )
        article_id: ArticleId = (await self.directory.ids({view.slug}))[view.slug]
        self._published[article_id] = (view.slug, author_id)
        return article_id

    async def favorite(self, article_id: ArticleId, user_id: UserId) -> None:
        slug, _ = self._published[article_id]
        await self._service.favorite(slug, user_id)

    async def change_slug(self, article_id: ArticleId, title: str) -> None:
        slug, author_id = self._published[article_id]
        await self._service.edit(slug, ArticleChanges(title=Title(title)), author_id)

    async def delete(self, article_id: ArticleId) -> None:
        slug, author_id = self._published[article_id]
        await self._service.delete(slug, author_id)

    async def restrict(self, article_id: ArticleId, *seen_by: UserId) -> None:
        audience = f"readers of {article_id}"
        self._seen_by[audience] = seen_by
        await self.restrictions.restrict([article_id], "moderation", audience)

    async def _audiences(self, user_id: UserId) -> Collection[str]:
        return [audience for audience, users in self._seen_by.items() if user_id in users]


@asynccontextmanager
async def fake() -> AsyncIterator[DirectoryUnderTest]:
    database = Database(IN_MEMORY)
    yield FakeDirectory(database)
    await database.dispose()


@asynccontextmanager
async def real() -> AsyncIterator[DirectoryUnderTest]:
    profiles = FakeProfileReader()
    offers = {ProfileReader: profiles, TokenVerifier: FakeTokenVerifier()}
    async with boot_module(MODULE, offers, clock=FakeClock()) as articles:
        yield SqlDirectory(articles, profiles)


@pytest.fixture(params=[fake, real])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[DirectoryUnderTest]:
    make: Callable[[], AbstractAsyncContextManager[DirectoryUnderTest]] = request.param
    async with make() as subject:
        yield subject


async def test_directory_implements_the_contract(subject: DirectoryUnderTest) -> None:
    assert isinstance(subject.directory, ArticleDirectory)


async def test_empty_collections_give_empty_mappings(subject: DirectoryUnderTest) -> None:
    jake = subject.profiles.add("jake")
    await subject.publish("Dragons", jake)
    assert await subject.directory.ids(()) == {}
    assert await subject.directory.previews((), viewer=jake) == {}
    assert await subject.directory.contents((), max_body_length=10) == {}


class TestIds:
    async def test_ids_are_returned_by_slug(self, subject: DirectoryUnderTest) -> None:
        jake = subject.profiles.add("jake")
        dragons, castles = await subject.publish("Dragons", jake), await subject.publish("Castles", jake)
        await subject.publish("Knights", jake)
        assert await subject.directory.ids({"dragons", "castles"}) == {"dragons": dragons, "castles": castles}

    async def test_unknown_slugs_are_omitted(self, subject: DirectoryUnderTest) -> None:
        dragons = await subject.publish("Dragons", subject.profiles.add("jake"))
        assert await subject.directory.ids({"dragons", "dragon", "Dragons", ""}) == {"dragons": dragons}

    async def test_old_slug_finds_its_article_until_it_is_deleted(self, subject: DirectoryUnderTest) -> None:
        dragons = await subject.publish("Dragons", subject.profiles.add("jake"))
        await subject.change_slug(dragons, "Knights")
        found = {"dragons": dragons, "knights": dragons}
        assert await subject.directory.ids({"dragons", "knights"}) == found
        async with subject.database.transaction():
            assert await subject.directory.lock({"dragons", "knights"}) == found
        [preview] = (await subject.directory.previews({dragons}, None)).values()
        assert preview.slug == "knights"
        await subject.delete(dragons)
        assert await subject.directory.ids({"dragons", "knights"}) == {}

    async def test_deleted_article_is_omitted(self, subject: DirectoryUnderTest) -> None:
        dragons = await subject.publish("Dragons", subject.profiles.add("jake"))
        await subject.delete(dragons)
        assert await subject.directory.ids({"dragons"}) == {}


class TestLock:
    async def test_result_equals_that_of_ids(self, subject: DirectoryUnderTest) -> None:
        jake = subject.profiles.add("jake")
        await subject.publish("Dragons", jake)
        await subject.publish("Castles", jake)
        slugs = {"dragons", "castles", "knights"}
        async with subject.database.transaction():
            assert await subject.directory.lock(slugs) == await subject.directory.ids(slugs)

    async def test_locked_article_is_not_deleted(self, subject: DirectoryUnderTest) -> None:
        dragons = await subject.publish("Dragons", subject.profiles.add("jake"))
        async with subject.database.transaction():
            await subject.directory.lock({"dragons"})
            # A new context, as another request has: this transaction is not open in it.
            deletion = asyncio.create_task(subject.delete(dragons), context=Context())
            done, _ = await asyncio.wait({deletion}, timeout=TIMEOUT_SECONDS)
            assert not done
            assert await subject.directory.ids({"dragons"}) == {"dragons": dragons}
        await deletion
        assert await subject.directory.ids({"dragons"}) == {}

    async def test_open_transaction_is_required(self, subject: DirectoryUnderTest) -> None:
        await subject.publish("Dragons", subject.profiles.add("jake"))
        with pytest.raises(RuntimeError):
            await subject.directory.lock({"dragons"})

    async def test_snapshot_does_not_suffice(self, subject: DirectoryUnderTest) -> None:
        async with subject.database.snapshot():
            with pytest.raises(RuntimeError):
                await subject.directory.lock({"dragons"})


class TestLockAuthors:
    async def test_authors_are_returned_by_article_id_and_unknown_ids_omitted(
        self, subject: DirectoryUnderTest
    ) -> None:
        jake, anna = subject.profiles.add("jake"), subject.profiles.add("anna")
        dragons, castles = await subject.publish("Dragons", jake), await subject.publish("Castles", anna)
        async with subject.database.transaction():
            authors = await subject.directory.lock_authors({dragons, castles, UNKNOWN})
        assert authors == {dragons: jake, castles: anna}

    async def test_locked_article_is_not_deleted(self, subject: DirectoryUnderTest) -> None:
        dragons = await subject.publish("Dragons", subject.profiles.add("jake"))
        async with subject.database.transaction():
            await subject.directory.lock_authors({dragons})
            deletion = asyncio.create_task(subject.delete(dragons), context=Context())
            done, _ = await asyncio.wait({deletion}, timeout=TIMEOUT_SECONDS)
            assert not done
        await deletion

    async def test_open_transaction_is_required(self, subject: DirectoryUnderTest) -> None:
        dragons = await subject.publish("Dragons", subject.profiles.add("jake"))
        with pytest.raises(RuntimeError):
            await subject.directory.lock_authors({dragons})


class TestAuthors:
    async def test_authors_of_existing_articles_are_returned_by_id(self, subject: DirectoryUnderTest) -> None:
        jake, anna = subject.profiles.add("jake"), subject.profiles.add("anna")
        dragons, castles = await subject.publish("Dragons", jake), await subject.publish("Castles", anna)
        assert await subject.directory.authors({dragons, castles, UNKNOWN}) == {dragons: jake, castles: anna}
        assert await subject.directory.authors(()) == {}


class TestPreviews:
    async def test_previews_are_returned_by_id(self, subject: DirectoryUnderTest) -> None:
        jake = subject.profiles.add("jake", bio="I work at statefarm")
        dragons = await subject.publish("Dragons", jake, tags=["fire", "breath"])
        await subject.publish("Knights", jake)
        assert await subject.directory.previews({dragons}, viewer=None) == {
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

    async def test_each_preview_has_the_author_of_its_article(self, subject: DirectoryUnderTest) -> None:
        jake, anna = subject.profiles.add("jake"), subject.profiles.add("anna")
        dragons, castles = await subject.publish("Dragons", jake), await subject.publish("Castles", anna)
        previews = await subject.directory.previews({dragons, castles}, viewer=None)
        assert {id_: preview.author.username for id_, preview in previews.items()} == {
            dragons: "jake",
            castles: "anna",
        }

    async def test_unknown_and_deleted_articles_are_omitted(self, subject: DirectoryUnderTest) -> None:
        jake = subject.profiles.add("jake")
        dragons, castles = await subject.publish("Dragons", jake), await subject.publish("Castles", jake)
        await subject.delete(castles)
        assert set(await subject.directory.previews({dragons, castles, UNKNOWN}, viewer=jake)) == {dragons}

    async def test_favorited_depends_on_the_viewer(self, subject: DirectoryUnderTest) -> None:
        jake, anna, carl = (subject.profiles.add(name) for name in ("jake", "anna", "carl"))
        dragons = await subject.publish("Dragons", jake)
        await subject.favorite(dragons, anna)
        seen = {
            viewer: (await subject.directory.previews({dragons}, viewer))[dragons].favorited
            for viewer in (anna, carl, None)
        }
        assert seen == {anna: True, carl: False, None: False}

    async def test_favorites_of_all_users_are_counted(self, subject: DirectoryUnderTest) -> None:
        jake, anna = subject.profiles.add("jake"), subject.profiles.add("anna")
        dragons, castles = await subject.publish("Dragons", jake), await subject.publish("Castles", jake)
        await subject.favorite(dragons, anna)
        await subject.favorite(dragons, jake)
        previews = await subject.directory.previews({dragons, castles}, viewer=None)
        assert {id_: preview.favorites_count for id_, preview in previews.items()} == {dragons: 2, castles: 0}

    async def test_following_depends_on_the_viewer(self, subject: DirectoryUnderTest) -> None:
        jake, anna = subject.profiles.add("jake"), subject.profiles.add("anna")
        subject.profiles.follow(anna, jake)
        dragons = await subject.publish("Dragons", jake)
        assert (await subject.directory.previews({dragons}, viewer=anna))[dragons].author.following
        assert not (await subject.directory.previews({dragons}, viewer=None))[dragons].author.following


class TestContents:
    async def test_contents_are_returned_by_id_and_unknown_ids_omitted(
        self, subject: DirectoryUnderTest
    ) -> None:
        jake = subject.profiles.add("jake")
        dragons = await subject.publish("Dragons", jake, tags=["fire", "breath"])
        await subject.publish("Knights", jake)
        assert await subject.directory.contents({dragons, UNKNOWN}, max_body_length=500_000) == {
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

    async def test_bodies_are_truncated(self, subject: DirectoryUnderTest) -> None:
        dragons = await subject.publish("Dragons", subject.profiles.add("jake"))
        for length, body in ((0, ""), (3, "It "), (9, "It burns."), (10, "It burns.")):
            contents = await subject.directory.contents({dragons}, max_body_length=length)
            assert contents[dragons].body == body


class TestNewest:
    async def test_newest_articles_come_first_up_to_the_limit(self, subject: DirectoryUnderTest) -> None:
        jake = subject.profiles.add("jake")
        first, second, third = [await subject.publish(title, jake) for title in ("One", "Two", "Three")]
        assert await subject.directory.newest(10) == [third, second, first]
        assert await subject.directory.newest(2) == [third, second]

    async def test_tag_and_author_are_combined(self, subject: DirectoryUnderTest) -> None:
        jake, anna = subject.profiles.add("jake"), subject.profiles.add("anna")
        hers = await subject.publish("Dragons", anna, tags=["fire"])
        his = await subject.publish("Castles", jake, tags=["fire", "stone"])
        other = await subject.publish("Knights", jake)
        assert await subject.directory.newest(10, tag="fire") == [his, hers]
        assert await subject.directory.newest(10, author="JAKE") == [other, his]
        assert await subject.directory.newest(10, tag="fire", author="anna") == [hers]

    async def test_unknown_author_or_tag_matches_nothing(self, subject: DirectoryUnderTest) -> None:
        await subject.publish("Dragons", subject.profiles.add("jake"))
        assert await subject.directory.newest(10, author="anna") == []
        assert await subject.directory.newest(10, tag="water") == []


class TestRestrictedArticles:
    @pytest.fixture
    async def dragons(self, subject: DirectoryUnderTest) -> ArticleId:
        """Return an article by jake that anna sees, but carl does not."""
        jake, anna, _ = (subject.profiles.add(name) for name in ("jake", "anna", "carl"))
        dragons = await subject.publish("Dragons", jake, tags=["fire"])
        await subject.restrict(dragons, anna)
        return dragons

    async def test_viewers_who_see_it_get_it_and_others_do_not(
        self, subject: DirectoryUnderTest, dragons: ArticleId
    ) -> None:
        users = await subject.profiles.by_username({"jake", "anna", "carl"})
        for viewer, sees in {
            users["jake"]: True,
            users["anna"]: True,
            users["carl"]: False,
            None: False,
        }.items():
            assert await subject.directory.ids({"dragons"}, viewer) == ({"dragons": dragons} if sees else {})
            async with subject.database.transaction():
                locked = await subject.directory.lock({"dragons"}, viewer)
            assert set(locked) == ({"dragons"} if sees else set())
            assert set(await subject.directory.previews({dragons}, viewer)) == ({dragons} if sees else set())
            hidden = await subject.directory.hidden({dragons, UNKNOWN}, viewer)
            assert set(hidden) == (set() if sees else {dragons})

    async def test_methods_without_a_viewer_return_public_articles_only(
        self, subject: DirectoryUnderTest, dragons: ArticleId
    ) -> None:
        knights = await subject.publish("Knights", subject.profiles.add("dora"), tags=["fire"])
        both = {dragons, knights}
        assert await subject.directory.ids({"dragons", "knights"}) == {"knights": knights}
        assert set(await subject.directory.contents(both, max_body_length=10)) == {knights}
        assert await subject.directory.newest(10) == [knights]
        assert await subject.directory.newest(10, tag="fire") == [knights]
        assert await subject.directory.newest(10, author="jake") == []
        assert await subject.directory.all_ids() == [knights]

    async def test_authors_of_restricted_articles_are_returned(
        self, subject: DirectoryUnderTest, dragons: ArticleId
    ) -> None:
        users = await subject.profiles.by_username({"jake"})
        assert await subject.directory.authors({dragons}) == {dragons: users["jake"]}
        async with subject.database.transaction():
            assert await subject.directory.lock_authors({dragons}) == {dragons: users["jake"]}


class TestRestrictions:
    async def test_restrictions_implement_the_contract(self, subject: DirectoryUnderTest) -> None:
        assert isinstance(subject.restrictions, ArticleRestrictions)

    async def test_restrictions_are_per_policy_and_unknown_articles_are_ignored(
        self, subject: DirectoryUnderTest
    ) -> None:
        jake, restrictions = subject.profiles.add("jake"), subject.restrictions
        dragons, knights = await subject.publish("Dragons", jake), await subject.publish("Knights", jake)
        await restrictions.restrict([dragons, UNKNOWN], "moderation", "staff")
        await restrictions.restrict([dragons, knights], "club", "members")
        await restrictions.restrict([dragons], "club", "gold members")
        ids = [dragons, knights, UNKNOWN]
        assert await restrictions.restricted(ids, "moderation") == {dragons: "staff"}
        assert await restrictions.restricted(ids, "club") == {dragons: "gold members", knights: "members"}
        await restrictions.lift([dragons, UNKNOWN], "club")
        assert await restrictions.restricted(ids, "club") == {knights: "members"}

    async def test_article_is_public_without_its_last_restriction(self, subject: DirectoryUnderTest) -> None:
        jake = subject.profiles.add("jake")
        dragons = await subject.publish("Dragons", jake)
        for policy in ("moderation", "club"):
            await subject.restrictions.restrict([dragons], policy, "staff")
        for policy, visible in (("moderation", []), ("moderation", []), ("club", [dragons])):
            await subject.restrictions.lift([dragons], policy)
            assert await subject.directory.newest(10) == visible
        assert set(await subject.directory.previews({dragons}, jake)) == {dragons}


class TestAllIds:
    async def test_oldest_articles_come_first(self, subject: DirectoryUnderTest) -> None:
        assert await subject.directory.all_ids() == []
        jake = subject.profiles.add("jake")
        articles = [await subject.publish(title, jake) for title in ("One", "Two", "Three")]
        await subject.delete(articles.pop(1))
        assert await subject.directory.all_ids() == articles


class TestFakeWithoutAuthors:
    """For tests of modules to which authors do not matter."""

    async def test_author_is_named_by_id(self) -> None:
        articles = FakeArticleDirectory(FakeUnitOfWork())
        dragons, castles = articles.add("dragons"), articles.add("castles", author=UserId(7))
        previews = await articles.previews({dragons, castles}, None)
        assert previews[dragons].author.username == "user1"
        contents = await articles.contents({castles}, max_body_length=10)
        assert (contents[castles].author_id, contents[castles].author) == (7, "user7")
        assert await articles.newest(10, author="user7") == [castles]
        assert await articles.newest(10, author="jake") == []

    async def test_article_of_an_author_without_profile_is_omitted(self) -> None:
        """As in the real directory, which reads the article and its author one after another."""
        profiles = FakeProfileReader()
        articles = FakeArticleDirectory(FakeUnitOfWork(), profiles)
        dragons, castles = (
            articles.add("dragons", author=profiles.add("jake")),
            articles.add("castles", author=UserId(7)),
        )
        ids = {dragons, castles}
        assert (await articles.previews(ids, None)).keys() == {dragons}
        assert (await articles.contents(ids, max_body_length=10)).keys() == {dragons}
