"""Lists, feeds and counts show each viewer the visible articles, after any sequence of changes."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import combinations, count
from random import Random

import pytest
from sqlalchemy import select

from modules.articles.container import ArticlesContainer
from modules.articles.contracts import ArticleId
from modules.articles.domain.article import ArticleChanges, Draft
from modules.articles.domain.reading import ArticleList, Criteria
from modules.articles.domain.values import TagList
from modules.articles.infrastructure import feed
from modules.articles.infrastructure.articles import SqlArticles
from modules.articles.infrastructure.reader import SqlArticleReader
from modules.articles.infrastructure.restrictions import SqlRestrictions
from modules.articles.infrastructure.tables import articles as articles_table
from modules.articles.infrastructure.tables import favorites, restrictions
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import MAX_LIMIT, PageRequest
from modules.kernel.domain.visibility import Audiences, AudienceSource, audience_name
from modules.kernel.fakes import NOON
from modules.profiles.fakes import FakeProfileReader
from tests.articles.factories import draft, tags

TAGS = ("fire", "iron", "wings")
MINUTE = timedelta(minutes=1)
EVERYTHING = PageRequest(limit=MAX_LIMIT)
# Users are in an audience of a policy if their id is divisible by its number.
AUDIENCES = {"moderation": {"staff": 2}, "club": {"members": 3, "staff": 4}, "drafts": {"nobody": 1_000}}


def audience_source(policy: str) -> AudienceSource:
    async def audiences(user_id: UserId) -> Collection[str]:
        return [audience for audience, number in AUDIENCES[policy].items() if user_id % number == 0]

    return audiences


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article as its rows show it, to nobody in particular."""

    id: ArticleId
    slug: str
    author_id: UserId
    created_at: datetime
    tags: Collection[str]
    favorited_by: Collection[UserId]
    restricted_to: Collection[str]

    @property
    def is_public(self) -> bool:
        return not self.restricted_to

    async def is_visible(self, viewer: UserId | None, audiences: Audiences) -> bool:
        return viewer == self.author_id or set(await audiences.of(viewer)).issuperset(self.restricted_to)


class RandomChanges:
    """Random changes of articles by four users and two policies, the same on every run."""

    def __init__(self, articles: ArticlesContainer, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret is drawn from it
        self.database = articles.database()
        self.audiences = Audiences()
        for policy in AUDIENCES:
            self.audiences.add(policy, partial(audience_source, policy))
        self.articles = SqlArticles(self.database, articles.counts(), self.audiences)
        self.restrictions = SqlRestrictions(self.database, articles.counts())
        self.profiles = FakeProfileReader()
        self.reader = SqlArticleReader(self.database, self.profiles, self.audiences)
        self.names = {name: self.profiles.add(name) for name in ("jake", "anna", "carl", "dora")}
        self.numbers = count()

    async def make(self, number: int) -> None:
        """Make this number of random changes."""
        changes: Sequence[Callable[[], Awaitable[object]]] = (
            self.publish,
            self.publish,
            self.publish_some,
            self.publish_some,
            self.publish_some,
            self.publish_some,
            self.retag,
            self.delete,
            self.favorite,
            self.favorite,
            self.favorite,
            self.unfavorite,
            self.restrict,
            self.restrict,
            self.lift,
            self.delete_user,
        )
        for _ in range(number):
            async with self.database.transaction():
                await self.random.choice(changes)()

    def user(self) -> UserId:
        return self.random.choice(list(self.names.values()))

    def tag_list(self) -> TagList:
        return tags(*self.random.sample(TAGS, self.random.randint(0, len(TAGS))))

    async def article(self) -> StoredArticle | None:
        """Return a random article, or None if there are none."""
        stored = await self.stored()
        return self.random.choice(stored) if stored else None

    async def article_and_viewer(self) -> tuple[str, UserId] | None:
        """Return the slug of a random article and a random user who sees it, or None."""
        article, user_id = await self.article(), self.user()
        if article is None or not await article.is_visible(user_id, self.audiences):
            return None
        return article.slug, user_id

    async def stored(self) -> Sequence[StoredArticle]:
        """Return all articles, newest first."""
        async with self.database.snapshot() as session:
            rows = (await session.execute(select(articles_table))).all()
            favorited = (await session.execute(select(favorites.c.article_id, favorites.c.user_id))).all()
            restricted = (
                await session.execute(select(restrictions.c.article_id, restrictions.c.audience))
            ).all()
        stored = [
            StoredArticle(
                ArticleId(row.id),
                row.slug,
                UserId(row.author_id),
                row.created_at,
                row.tag_list,
                [UserId(user_id) for article_id, user_id in favorited if article_id == row.id],
                [audience for article_id, audience in restricted if article_id == row.id],
            )
            for row in rows
        ]
        return sorted(stored, key=lambda article: (article.created_at, article.id), reverse=True)

    async def visible(self, viewer: UserId | None) -> Sequence[StoredArticle]:
        """Return the articles that the viewer sees, newest first."""
        return [
            article for article in await self.stored() if await article.is_visible(viewer, self.audiences)
        ]

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
        if found := await self.article():
            article = await self.articles.get_for_update(found.slug, found.author_id)
            await self.articles.save(article.edited(ArticleChanges(tags=self.tag_list()), NOON), None)

    async def delete(self) -> None:
        if found := await self.article():
            await self.articles.delete(await self.articles.get_for_update(found.slug, found.author_id))

    async def delete_user(self) -> None:
        # The id is used again afterwards, as that of a new user.
        await self.articles.delete_by_user(self.user())

    async def favorite(self) -> None:
        if found := await self.article_and_viewer():
            await self.articles.add_favorite(*found)

    async def unfavorite(self) -> None:
        if found := await self.article_and_viewer():
            await self.articles.remove_favorite(*found)

    async def some_ids(self) -> Sequence[ArticleId]:
        ids = [article.id for article in await self.stored()]
        return self.random.sample(ids, min(len(ids), 3))

    async def restrict(self) -> None:
        policy = self.random.choice(list(AUDIENCES))
        audience = self.random.choice(list(AUDIENCES[policy]))
        await self.restrictions.add(await self.some_ids(), policy, audience)

    async def lift(self) -> None:
        await self.restrictions.delete(await self.some_ids(), self.random.choice(list(AUDIENCES)))


@pytest.fixture(params=[0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
async def random_changes(articles: ArticlesContainer, request: pytest.FixtureRequest) -> RandomChanges:
    random_changes = RandomChanges(articles, seed=request.param)
    await random_changes.make(100)
    stored = await random_changes.stored()
    public = sum(article.is_public for article in stored)
    assert min(public, len(stored) - public) > 5, "too few to prove anything"
    return random_changes


async def test_every_viewer_gets_the_visible_articles_and_exact_counts(random_changes: RandomChanges) -> None:
    # One test: the setup takes longer than the assertions.
    for viewer in (None, *random_changes.names.values()):
        await assert_lists_are_right(random_changes, viewer)
    await assert_favorites_counts_are_exact(random_changes)
    await assert_tags_are_sorted_by_public_use(random_changes)


async def assert_lists_are_right(random_changes: RandomChanges, viewer: UserId | None) -> None:
    visible = await random_changes.visible(viewer)
    users: dict[str | None, UserId | None] = {None: None}
    users.update(random_changes.names)
    for tag in (None, *TAGS):
        for author, author_id in users.items():
            for favorited, reader_id in users.items():
                expected = [
                    article.slug
                    for article in visible
                    if (tag is None or tag in article.tags)
                    and author_id in {None, article.author_id}
                    and (reader_id is None or reader_id in article.favorited_by)
                ]
                criteria = Criteria(tag, author, favorited)
                page = await random_changes.reader.articles(criteria, EVERYTHING, viewer)
                assert (slugs(page), page.articles_count) == (expected, len(expected)), (viewer, criteria)


async def assert_favorites_counts_are_exact(random_changes: RandomChanges) -> None:
    for article in await random_changes.stored():
        view = await random_changes.reader.article_by_id(article.id, article.author_id)
        assert view.favorites_count == len(article.favorited_by)


async def assert_tags_are_sorted_by_public_use(random_changes: RandomChanges) -> None:
    public = await random_changes.visible(None)
    uses = {tag: sum(tag in article.tags for article in public) for tag in TAGS}
    expected = sorted((tag for tag in TAGS if uses[tag]), key=lambda tag: (-uses[tag], tag))
    assert await random_changes.reader.tags() == expected


@pytest.mark.parametrize(
    ("many_followed", "newest"), [(feed.MANY_FOLLOWED, feed.NEWEST), (0, feed.NEWEST), (0, 3)]
)
async def test_every_page_of_every_feed_is_part_of_the_full_list(
    random_changes: RandomChanges, monkeypatch: pytest.MonkeyPatch, many_followed: int, newest: int
) -> None:
    monkeypatch.setattr(feed, "MANY_FOLLOWED", many_followed)
    monkeypatch.setattr(feed, "NEWEST", newest)
    # It has the number in its statements.
    monkeypatch.setattr(feed, "feed_of", cache(feed.feed_of.__wrapped__))
    for number in range(len(random_changes.names) + 1):
        for followees in combinations(random_changes.names, number):
            await assert_feed_is_right(random_changes, followees)


async def assert_feed_is_right(random_changes: RandomChanges, followees: Collection[str]) -> None:
    # Their ids are in sequence, so that they are in different audiences.
    follower = random_changes.profiles.add(f"follower of {' and '.join(followees)}")
    for name in followees:
        random_changes.profiles.follow(follower, random_changes.names[name])
    followed = {random_changes.names[name] for name in followees}
    visible = await random_changes.visible(follower)
    everything = [article.slug for article in visible if article.author_id in followed]
    for limit, offset in [(1, 0), (1, 1), (2, 0), (3, 2), (5, 4), (20, 0), (20, len(everything)), (100, 0)]:
        page = await random_changes.reader.feed(follower, PageRequest(limit, offset))
        assert slugs(page) == everything[offset : offset + limit], (followees, limit, offset)
        assert page.articles_count == len(everything)
    await assert_cursors_lead_through(random_changes, follower, everything)


async def assert_cursors_lead_through(
    random_changes: RandomChanges, follower: UserId, everything: Sequence[str]
) -> None:
    page = await random_changes.reader.feed(follower, PageRequest(limit=2))
    read = slugs(page)
    while page.next is not None:
        page = await random_changes.reader.feed(follower, PageRequest(limit=2, after=page.next))
        read += slugs(page)
    assert read == everything


def slugs(page: ArticleList) -> list[str]:
    return [article.slug for article in page.articles]


def test_audience_names_of_two_policies_differ() -> None:
    assert audience_name("moderation", "staff") != audience_name("club", "staff")
