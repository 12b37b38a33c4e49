"""The repository and the reader of articles. test_article_directory.py tests the directory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from modules.articles.container import ArticlesContainer
from modules.articles.contracts import ArticleId
from modules.articles.domain.article import (
    Article,
    ArticleChanges,
    ArticleNotFound,
    Draft,
    SlugTaken,
)
from modules.articles.domain.reading import ArticleList, ArticleView, Criteria
from modules.articles.domain.values import Body, Description, Title
from modules.articles.infrastructure.reader import SqlArticleReader
from modules.articles.infrastructure.tables import FavoriteRow, TagRow
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest
from modules.kernel.domain.visibility import Audiences
from modules.kernel.fakes import NOON
from modules.profiles.contracts import Profile
from modules.profiles.fakes import FakeProfileReader
from tests.articles.factories import ANNA, CARL, JAKE, draft, tags

SECOND = timedelta(seconds=1)
EVERYTHING = Criteria()


class ArticleStore:
    """Repository and reader on the test database, with the profiles of jake, anna and carl."""

    def __init__(self, articles: ArticlesContainer) -> None:
        self.database = articles.database()
        self.articles = articles.repository()
        self.profiles = FakeProfileReader()
        self.reader = SqlArticleReader(self.database, self.profiles, Audiences())
        assert [self.profiles.add(name) for name in ("jake", "anna", "carl")] == [JAKE, ANNA, CARL]

    async def add(self, *drafts: Draft) -> list[ArticleId]:
        """Insert articles and return their ids."""
        return [await self.articles.add(new) for new in drafts]

    async def get(self, article_id: ArticleId, viewer: UserId | None = None) -> ArticleView:
        """Return an article."""
        return await self.reader.article_by_id(article_id, viewer)

    async def save(self, article: ArticleView, changes: ArticleChanges, new_title: Title | None) -> None:
        """Update an article."""
        async with self.database.transaction():
            stored = await self.articles.get_for_update(article.slug, JAKE)
            await self.articles.save(stored.edited(changes, NOON + SECOND), new_title)

    async def delete(self, slug: str) -> None:
        """Delete an article."""
        async with self.database.transaction():
            await self.articles.delete(await self.articles.get_for_update(slug, JAKE))

    async def list(
        self, criteria: Criteria = EVERYTHING, page: PageRequest | None = None, viewer: UserId | None = None
    ) -> ArticleList:
        """Return a page of a list."""
        return await self.reader.articles(criteria, page or PageRequest(), viewer)

    async def count(self, table: type[TagRow | FavoriteRow]) -> int | None:
        """Return the number of rows."""
        async with self.database.snapshot() as session:
            return await session.scalar(select(func.count()).select_from(table))


@pytest.fixture
def store(articles: ArticlesContainer) -> ArticleStore:
    return ArticleStore(articles)


def slugs(page: ArticleList) -> Sequence[str]:
    return [article.slug for article in page.articles]


class TestAdd:
    async def test_added_article_is_read_back(self, store: ArticleStore) -> None:
        [article_id] = await store.add(draft("Dragons", tag_list=tags("fire", "breath")))
        assert await store.get(article_id) == ArticleView(
            slug="dragons",
            title="Dragons",
            description="On dragons",
            tag_list=("fire", "breath"),
            created_at=NOON,
            updated_at=NOON,
            favorited=False,
            favorites_count=0,
            author=Profile("jake", None, None, following=False),
            body="They fly.",
        )

    async def test_repeated_title_gets_another_slug(self, store: ArticleStore) -> None:
        first, second, third = await store.add(draft(), draft(), draft(author_id=ANNA))
        found = {(await store.get(article_id)).slug for article_id in (first, second, third)}
        assert len(found) == 3
        assert all(slug.startswith("dragons") for slug in found)

    async def test_title_with_all_slugs_taken_is_rejected(
        self, store: ArticleStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Title, "slugs", lambda _title: iter(["dragons", "dragons"]))
        await store.add(draft())
        with pytest.raises(SlugTaken):
            await store.add(draft())

    async def test_id_is_never_reused(self, store: ArticleStore) -> None:
        [first] = await store.add(draft())
        await store.delete("dragons")
        assert await store.add(draft()) != [first]


class TestGetForUpdate:
    async def test_article_is_returned(self, store: ArticleStore) -> None:
        [article_id] = await store.add(draft(tag_list=tags("fire")))
        async with store.database.transaction():
            article = await store.articles.get_for_update("dragons", JAKE)
        assert article == Article(
            article_id, "dragons", JAKE, "Dragons", "On dragons", "They fly.", ("fire",), NOON, NOON
        )

    async def test_unknown_slug_is_not_found(self, store: ArticleStore) -> None:
        with pytest.raises(ArticleNotFound):
            await store.articles.get_for_update("dragons", JAKE)


class TestSave:
    async def test_every_field_is_updated(self, store: ArticleStore) -> None:
        [article_id] = await store.add(draft(tag_list=tags("fire", "breath")))
        before = await store.get(article_id)
        title = Title("Knights")
        changes = ArticleChanges(title, Description("On knights"), Body("They ride."), tags("iron", "breath"))
        await store.save(before, changes, title)
        assert await store.get(article_id) == replace(
            before,
            slug="knights",
            title="Knights",
            description="On knights",
            body="They ride.",
            tag_list=("iron", "breath"),
            updated_at=NOON + SECOND,
        )

    async def test_new_tags_match_and_old_tags_do_not(self, store: ArticleStore) -> None:
        [article_id, _] = await store.add(
            draft(tag_list=tags("fire")), draft("Stoves", tag_list=tags("fire"))
        )
        await store.save(await store.get(article_id), ArticleChanges(tags=tags("iron")), None)
        assert slugs(await store.list(Criteria(tag="fire"))) == ["stoves"]
        assert slugs(await store.list(Criteria(tag="iron"))) == ["dragons"]

    async def test_slug_is_unchanged_without_a_new_title(self, store: ArticleStore) -> None:
        [article_id] = await store.add(draft())
        await store.save(await store.get(article_id), ArticleChanges(body=Body("They swim.")), None)
        assert (await store.get(article_id)).slug == "dragons"

    async def test_title_of_another_article_gets_its_own_slug(self, store: ArticleStore) -> None:
        [article_id, _] = await store.add(draft(), draft("Knights"))
        title = Title("Knights")
        await store.save(await store.get(article_id), ArticleChanges(title=title), title)
        slug = (await store.get(article_id)).slug
        assert slug.startswith("knights-")
        assert len(set(slugs(await store.list()))) == 2

    async def test_old_slug_of_the_article_is_free_for_it_only(self, store: ArticleStore) -> None:
        [article_id] = await store.add(draft("Dragons"))
        for text in ("Knights", "Dragons"):
            title = Title(text)
            await store.save(await store.get(article_id), ArticleChanges(title=title), title)
            assert (await store.get(article_id)).slug == text.lower()
        [other_id] = await store.add(draft("Knights"))
        assert (await store.get(other_id)).slug.startswith("knights-")
        assert await store.reader.article("knights", None) == await store.get(article_id)

    async def test_title_with_all_slugs_taken_is_rejected_and_changes_nothing(
        self, store: ArticleStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [article_id, _] = await store.add(draft(), draft("Knights"))
        before = await store.get(article_id)
        monkeypatch.setattr(Title, "slugs", lambda _title: iter(["knights"]))
        title = Title("Knights")
        with pytest.raises(SlugTaken):
            await store.save(before, ArticleChanges(title=title, tags=tags("iron")), title)
        assert await store.get(article_id) == before


class TestDelete:
    async def test_tags_and_favorites_of_the_article_are_deleted(self, store: ArticleStore) -> None:
        await store.add(draft(tag_list=tags("fire")), draft("Knights", tag_list=tags("iron", "fire")))
        await store.articles.add_favorite("dragons", ANNA)
        await store.articles.add_favorite("knights", ANNA)
        await store.delete("dragons")
        assert slugs(await store.list()) == ["knights"]
        assert await store.count(TagRow) == 2
        assert await store.count(FavoriteRow) == 1


class TestFavorites:
    async def test_each_user_is_counted_once(self, store: ArticleStore) -> None:
        [article_id] = await store.add(draft())
        for user_id, is_new in ((ANNA, True), (CARL, True), (ANNA, False)):
            assert await store.articles.add_favorite("dragons", user_id) == (article_id, is_new)
        seen = await store.get(article_id, viewer=ANNA)
        assert (seen.favorited, seen.favorites_count) == (True, 2)
        assert not (await store.get(article_id, viewer=JAKE)).favorited
        assert not (await store.get(article_id)).favorited

    async def test_removing_an_absent_favorite_changes_no_count(self, store: ArticleStore) -> None:
        [article_id] = await store.add(draft())
        await store.articles.add_favorite("dragons", ANNA)
        for user_id in (CARL, ANNA, ANNA):
            assert await store.articles.remove_favorite("dragons", user_id) == article_id
        assert (await store.get(article_id)).favorites_count == 0

    async def test_unknown_slug_is_not_found(self, store: ArticleStore) -> None:
        with pytest.raises(ArticleNotFound):
            await store.articles.add_favorite("dragons", ANNA)
        with pytest.raises(ArticleNotFound):
            await store.articles.remove_favorite("dragons", ANNA)


class TestArticle:
    async def test_article_by_slug_equals_article_by_id(self, store: ArticleStore) -> None:
        [article_id, _] = await store.add(draft("Dragons"), draft("Knights"))
        assert await store.reader.article("dragons", None) == await store.get(article_id)

    async def test_following_depends_on_the_viewer(self, store: ArticleStore) -> None:
        [article_id] = await store.add(draft(author_id=JAKE))
        store.profiles.follow(ANNA, JAKE)
        assert (await store.get(article_id, viewer=ANNA)).author.following
        assert not (await store.get(article_id, viewer=CARL)).author.following

    async def test_unknown_article_is_not_found(self, store: ArticleStore) -> None:
        with pytest.raises(ArticleNotFound):
            await store.reader.article("dragons", None)
        with pytest.raises(ArticleNotFound):
            await store.reader.article_by_id(ArticleId(1000), None)


class TestList:
    async def test_newest_come_first_and_at_equal_times_the_last_added(self, store: ArticleStore) -> None:
        await store.add(
            *(
                draft(title, created_at=created_at)
                for title, created_at in [("Second", NOON), ("Third", NOON), ("First", NOON - SECOND)]
            )
        )
        assert slugs(await store.list()) == ["third", "second", "first"]

    async def test_page_is_a_window_and_count_is_total(self, store: ArticleStore) -> None:
        await store.add(*(draft(f"Article {number}") for number in range(5)))
        page = await store.list(page=PageRequest(limit=2, offset=1))
        assert slugs(page) == ["article-3", "article-2"]
        assert page.articles_count == 5

    async def test_page_beyond_the_end_is_empty_and_count_is_total(self, store: ArticleStore) -> None:
        await store.add(draft())
        assert await store.list(page=PageRequest(offset=2**63 - 1)) == ArticleList([], 1)

    async def test_favorited_and_following_depend_on_the_viewer(self, store: ArticleStore) -> None:
        await store.add(draft("Dragons", author_id=JAKE), draft("Knights", author_id=ANNA))
        await store.articles.add_favorite("dragons", CARL)
        store.profiles.follow(CARL, ANNA)
        knights, dragons = (await store.list(viewer=CARL)).articles
        assert (dragons.favorited, dragons.author.username, dragons.author.following) == (True, "jake", False)
        assert (knights.favorited, knights.author.username, knights.author.following) == (False, "anna", True)

    async def test_anonymous_viewer_has_no_favorites_and_follows_nobody(self, store: ArticleStore) -> None:
        await store.add(draft())
        await store.articles.add_favorite("dragons", CARL)
        store.profiles.follow(CARL, JAKE)
        [article] = (await store.list(viewer=None)).articles
        assert (article.favorited, article.author.following, article.favorites_count) == (False, False, 1)


class TestFilters:
    @pytest.fixture
    async def store(self, articles: ArticlesContainer) -> ArticleStore:
        """Return a store of three articles that match different filters."""
        store = ArticleStore(articles)
        await store.add(
            draft("Dragons", author_id=JAKE, tag_list=tags("fire", "wings")),
            draft("Knights", author_id=ANNA, tag_list=tags("iron", "fire")),
            draft("Bats", author_id=ANNA, tag_list=tags("wings")),
        )
        for slug, user_id in [("dragons", CARL), ("bats", CARL), ("dragons", JAKE), ("knights", JAKE)]:
            await store.articles.add_favorite(slug, user_id)
        return store

    @pytest.mark.parametrize(
        ("criteria", "expected"),
        [
            (Criteria(tag="fire"), ["knights", "dragons"]),
            (Criteria(tag="FIRE"), []),
            (Criteria(tag="fir"), []),
            (Criteria(tag=""), []),
            (Criteria(author="jake"), ["dragons"]),
            (Criteria(author="ANNA"), ["bats", "knights"]),
            (Criteria(author="carl"), []),
            (Criteria(favorited="carl"), ["bats", "dragons"]),
            (Criteria(favorited="Jake"), ["knights", "dragons"]),
            (Criteria(tag="fire", author="anna"), ["knights"]),
            (Criteria(tag="wings", favorited="carl"), ["bats", "dragons"]),
            (Criteria(author="anna", favorited="carl"), ["bats"]),
            (Criteria(author="jake", favorited="jake"), ["dragons"]),
            (Criteria(tag="wings", author="anna", favorited="carl"), ["bats"]),
            (Criteria(tag="iron", author="anna", favorited="carl"), []),
        ],
        ids=str,
    )
    async def test_filters_are_combined(
        self, store: ArticleStore, criteria: Criteria, expected: list[str]
    ) -> None:
        page = await store.list(criteria)
        assert slugs(page) == expected
        assert page.articles_count == len(expected)

    @pytest.mark.parametrize(
        "criteria", [Criteria(author="nobody"), Criteria(favorited="nobody", tag="fire")]
    )
    async def test_unknown_username_matches_nothing(self, store: ArticleStore, criteria: Criteria) -> None:
        assert await store.list(criteria) == ArticleList((), 0)

    @pytest.mark.parametrize(
        "criteria", [Criteria(tag="wings"), Criteria(author="anna"), Criteria(favorited="carl")], ids=str
    )
    async def test_pages_of_each_filter_are_newest_first(
        self, store: ArticleStore, criteria: Criteria
    ) -> None:
        everything = await store.list(criteria)
        pages = [await store.list(criteria, PageRequest(limit=1, offset=offset)) for offset in (0, 1)]
        assert [slug for page in pages for slug in slugs(page)] == slugs(everything)
        assert [page.articles_count for page in pages] == [2, 2]

    @pytest.mark.parametrize("favorited", ["carl", "jake"])
    async def test_favorited_is_of_the_viewer_and_not_of_the_filter(
        self, store: ArticleStore, favorited: str
    ) -> None:
        page = await store.list(Criteria(favorited=favorited), viewer=CARL)
        assert {article.slug: article.favorited for article in page.articles} == {
            slug: slug != "knights" for slug in slugs(page)
        }


class TestFeed:
    async def test_feed_has_articles_of_followees_only(self, store: ArticleStore) -> None:
        await store.add(
            draft("One", author_id=JAKE), draft("Two", author_id=ANNA), draft("Three", author_id=JAKE)
        )
        store.profiles.follow(CARL, JAKE)
        page = await store.reader.feed(CARL, PageRequest())
        assert slugs(page) == ["three", "one"]
        assert page.articles_count == 2
        assert all(article.author.following for article in page.articles)

    async def test_page_is_a_window_and_count_is_total(self, store: ArticleStore) -> None:
        await store.add(*(draft(f"Article {number}", author_id=JAKE) for number in range(3)))
        store.profiles.follow(CARL, JAKE)
        page = await store.reader.feed(CARL, PageRequest(limit=1, offset=1))
        assert slugs(page) == ["article-1"]
        assert page.articles_count == 3

    async def test_feed_without_followees_is_empty(self, store: ArticleStore) -> None:
        await store.add(draft(author_id=JAKE))
        assert await store.reader.feed(CARL, PageRequest()) == ArticleList((), 0)


class TestTags:
    async def test_tags_are_sorted_by_use_then_alphabetically(self, store: ArticleStore) -> None:
        await store.add(
            draft("One", tag_list=tags("b", "c")),
            draft("Two", tag_list=tags("c")),
            draft("Three", tag_list=tags("a")),
        )
        assert await store.reader.tags() == ["c", "a", "b"]

    async def test_unused_tag_is_omitted(self, store: ArticleStore) -> None:
        await store.add(draft(tag_list=tags("fire")))
        await store.delete("dragons")
        assert await store.reader.tags() == []
