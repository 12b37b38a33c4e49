"""Counts are kept beside what they count; after whatever happened, both say the same."""

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
from modules.articles.infrastructure.reader import SqlArticleReader
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import MAX_LIMIT, PageRequest
from modules.kernel.fakes import NOON
from modules.profiles.fakes import FakeProfileReader
from tests.articles.factories import draft, tags

TAGS = ("fire", "iron", "wings")
MINUTE = timedelta(minutes=1)
EVERYTHING = PageRequest(limit=MAX_LIMIT)


class Life:
    """Users who do something with articles, by chance: the same on every run."""

    def __init__(self, articles: ArticlesContainer, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret is drawn from it
        self.database = articles.database()
        self.articles = articles.repository()
        self.profiles = FakeProfileReader()
        self.reader = SqlArticleReader(self.database, self.profiles)
        self.names = {name: self.profiles.add(name) for name in ("jake", "anna", "carl", "dora")}
        self.numbers = count()

    async def go_on(self, steps: int) -> None:
        """Let something happen, so many times."""
        happenings: Sequence[Callable[[], Awaitable[object]]] = (
            self.publish,
            self.publish,
            self.publish_some,
            self.publish_some,
            self.retag,
            self.delete,
            self.favor,
            self.favor,
            self.favor,
            self.unfavor,
            self.leave,
        )
        for _ in range(steps):
            async with self.database.transaction():
                await self.random.choice(happenings)()

    def user(self) -> UserId:
        return self.random.choice(list(self.names.values()))

    def tag_list(self) -> TagList:
        return tags(*self.random.sample(TAGS, self.random.randint(0, len(TAGS))))

    async def slug(self) -> str | None:
        """Return the slug of any article, or None while there are none."""
        slugs = [article.slug for article in await self.all()]
        return self.random.choice(slugs) if slugs else None

    async def all(self, criteria: Criteria | None = None) -> Sequence[ArticlePreview]:
        """Return all articles that meet the criteria."""
        return (await self.reader.articles(criteria or Criteria(), EVERYTHING, None)).articles

    def draft(self, at_minute: int) -> Draft:
        title = f"Article {next(self.numbers)}"
        return draft(title, author=self.user(), tag_list=self.tag_list(), at=NOON + at_minute * MINUTE)

    async def publish(self) -> None:
        # Often at one moment, and not always later than what is there: clocks are set back.
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
            await self.articles.remove(await self.articles.get_for_update(slug))

    async def leave(self) -> None:
        # And come back at once, as somebody who has never done anything.
        user = self.user()
        for article in await self.articles.by_author(user):
            await self.articles.remove(article)
        await self.articles.delete_favorites_by(user)

    async def favor(self) -> None:
        if slug := await self.slug():
            await self.articles.add_favorite(slug, self.user())

    async def unfavor(self) -> None:
        if slug := await self.slug():
            await self.articles.remove_favorite(slug, self.user())


@pytest.fixture(params=[0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
async def life(articles: ArticlesContainer, request: pytest.FixtureRequest) -> Life:
    life = Life(articles, seed=request.param)
    await life.go_on(80)
    assert len(await life.all()) > 10, "too few to tell"
    return life


async def test_after_whatever_happened_all_counts_are_right(life: Life) -> None:
    # In one scene: to set it takes longer than to look at it.
    await assert_every_list_says_how_many_there_are(life)
    await assert_an_articles_favourites_are_as_many_as_favour_it(life)
    await assert_tags_are_those_in_use_the_most_used_first(life)


async def assert_every_list_says_how_many_there_are(life: Life) -> None:
    names = [None, *life.names]
    for tag in (None, *TAGS):
        for author in names:
            for favorited in names:
                criteria = Criteria(tag, author, favorited)
                found = await life.reader.articles(criteria, EVERYTHING, None)
                assert found.articles_count == len(found.articles), criteria


async def assert_an_articles_favourites_are_as_many_as_favour_it(life: Life) -> None:
    fans = [article.slug for name in life.names for article in await life.all(Criteria(favorited=name))]
    assert {article.slug: article.favorites_count for article in await life.all()} == {
        article.slug: fans.count(article.slug) for article in await life.all()
    }


async def assert_tags_are_those_in_use_the_most_used_first(life: Life) -> None:
    used = {tag: len(await life.all(Criteria(tag=tag))) for tag in TAGS}
    expected = sorted((tag for tag in TAGS if used[tag]), key=lambda tag: (-used[tag], tag))
    assert await life.reader.tags() == expected


async def test_every_page_of_every_feed_is_a_part_of_the_list_of_all(life: Life) -> None:
    for number in range(len(life.names) + 1):
        for followed in combinations(life.names, number):
            await assert_feed_is_right(life, followed)


async def assert_feed_is_right(life: Life, followed: Collection[str]) -> None:
    follower = life.profiles.add(f"follower of {' and '.join(followed)}")
    for name in followed:
        life.profiles.follow(follower, life.names[name])
    everything = [article.slug for article in await life.all() if article.author.username in followed]
    for limit, offset in [(1, 0), (1, 1), (2, 0), (3, 2), (5, 4), (20, 0), (20, len(everything)), (100, 0)]:
        found = await life.reader.feed(follower, PageRequest(limit, offset))
        assert slugs(found) == everything[offset : offset + limit], (followed, limit, offset)
        assert found.articles_count == len(everything)


def slugs(found: ArticleList) -> list[str]:
    return [article.slug for article in found.articles]
