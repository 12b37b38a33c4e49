"""Stored counts equal the counted rows after any sequence of changes."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from itertools import combinations, count
from random import Random

import pytest

from modules.articles.container import ArticlesContainer
from modules.articles.contracts import ArticlePreview
from modules.articles.domain.article import ArticleChanges, Draft
from modules.articles.domain.reading import ArticleList, Criteria
from modules.articles.domain.values import TagList
from modules.articles.infrastructure import listings
from modules.articles.infrastructure.reader import SqlArticleReader
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import MAX_LIMIT, PageRequest
from modules.kernel.fakes import NOON
from modules.profiles.fakes import FakeProfileReader
from tests.articles.factories import draft, tags

TAGS = ("fire", "iron", "wings")
MINUTE = timedelta(minutes=1)
EVERYTHING = PageRequest(limit=MAX_LIMIT)


class RandomChanges:
    """Random changes of articles by four users, the same on every run."""

    def __init__(self, articles: ArticlesContainer, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret is drawn from it
        self.database = articles.database()
        self.articles = articles.repository()
        self.profiles = FakeProfileReader()
        self.reader = SqlArticleReader(self.database, self.profiles)
        self.names = {name: self.profiles.add(name) for name in ("jake", "anna", "carl", "dora")}
        self.numbers = count()

    async def make(self, number: int) -> None:
        """Make this number of random changes."""
        changes: Sequence[Callable[[], Awaitable[object]]] = (
            self.publish,
            self.publish,
            self.publish_some,
            self.publish_some,
            self.retag,
            self.delete,
            self.favorite,
            self.favorite,
            self.favorite,
            self.unfavorite,
            self.delete_user,
        )
        for _ in range(number):
            async with self.database.transaction():
                await self.random.choice(changes)()

    def user(self) -> UserId:
        return self.random.choice(list(self.names.values()))

    def tag_list(self) -> TagList:
        return tags(*self.random.sample(TAGS, self.random.randint(0, len(TAGS))))

    async def slug(self) -> str | None:
        """Return the slug of a random article, or None if there are none."""
        slugs = [article.slug for article in await self.all()]
        return self.random.choice(slugs) if slugs else None

    async def all(self, criteria: Criteria | None = None) -> Sequence[ArticlePreview]:
        """Return all articles that match the criteria."""
        return (await self.reader.articles(criteria or Criteria(), EVERYTHING, None)).articles

    def draft(self, at_minute: int) -> Draft:
        title = f"Article {next(self.numbers)}"
        return draft(
            title, author_id=self.user(), tag_list=self.tag_list(), created_at=NOON + at_minute * MINUTE
        )

    async def publish(self) -> None:
        # Often at equal times, and not always later than existing articles: clocks are set back.
        await self.articles.add(self.draft(self.random.randint(0, 30)))

    async def publish_some(self) -> None:
        for _ in range(3):
            await self.publish()

    async def retag(self) -> None:
        if slug := await self.slug():
            article = await self.articles.get_for_update(slug)
            await self.articles.save(article.edited(ArticleChanges(tags=self.tag_list()), NOON), None)

    async def delete(self) -> None:
        if slug := await self.slug():
            await self.articles.delete(await self.articles.get_for_update(slug))

    async def delete_user(self) -> None:
        # The id is used again afterwards, as that of a new user.
        await self.articles.delete_by_user(self.user())

    async def favorite(self) -> None:
        if slug := await self.slug():
            await self.articles.add_favorite(slug, self.user())

    async def unfavorite(self) -> None:
        if slug := await self.slug():
            await self.articles.remove_favorite(slug, self.user())


@pytest.fixture(params=[0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
async def random_changes(articles: ArticlesContainer, request: pytest.FixtureRequest) -> RandomChanges:
    random_changes = RandomChanges(articles, seed=request.param)
    await random_changes.make(80)
    assert len(await random_changes.all()) > 10, "too few to prove anything"
    return random_changes


async def test_all_counts_are_exact(random_changes: RandomChanges) -> None:
    # One test: the setup takes longer than the assertions.
    await assert_list_counts_are_exact(random_changes)
    await assert_favorites_counts_are_exact(random_changes)
    await assert_tags_are_sorted_by_use(random_changes)


async def assert_list_counts_are_exact(random_changes: RandomChanges) -> None:
    names = [None, *random_changes.names]
    for tag in (None, *TAGS):
        for author in names:
            for favorited in names:
                criteria = Criteria(tag, author, favorited)
                page = await random_changes.reader.articles(criteria, EVERYTHING, None)
                assert page.articles_count == len(page.articles), criteria


async def assert_favorites_counts_are_exact(random_changes: RandomChanges) -> None:
    favorites = [
        article.slug
        for name in random_changes.names
        for article in await random_changes.all(Criteria(favorited=name))
    ]
    assert {article.slug: article.favorites_count for article in await random_changes.all()} == {
        article.slug: favorites.count(article.slug) for article in await random_changes.all()
    }


async def assert_tags_are_sorted_by_use(random_changes: RandomChanges) -> None:
    uses = {tag: len(await random_changes.all(Criteria(tag=tag))) for tag in TAGS}
    expected = sorted((tag for tag in TAGS if uses[tag]), key=lambda tag: (-uses[tag], tag))
    assert await random_changes.reader.tags() == expected


@pytest.mark.parametrize("many_followed", [listings.MANY_FOLLOWED, 0])
async def test_every_page_of_every_feed_is_part_of_the_full_list(
    random_changes: RandomChanges, monkeypatch: pytest.MonkeyPatch, many_followed: int
) -> None:
    monkeypatch.setattr(listings, "MANY_FOLLOWED", many_followed)
    for number in range(len(random_changes.names) + 1):
        for followees in combinations(random_changes.names, number):
            await assert_feed_is_right(random_changes, followees)


async def assert_feed_is_right(random_changes: RandomChanges, followees: Collection[str]) -> None:
    follower = random_changes.profiles.add(f"follower of {' and '.join(followees)}")
    for name in followees:
        random_changes.profiles.follow(follower, random_changes.names[name])
    everything = [
        article.slug for article in await random_changes.all() if article.author.username in followees
    ]
    for limit, offset in [(1, 0), (1, 1), (2, 0), (3, 2), (5, 4), (20, 0), (20, len(everything)), (100, 0)]:
        page = await random_changes.reader.feed(follower, PageRequest(limit, offset))
        assert slugs(page) == everything[offset : offset + limit], (followees, limit, offset)
        assert page.articles_count == len(everything)


def slugs(page: ArticleList) -> list[str]:
    return [article.slug for article in page.articles]
