"""Articles on a real database. What the directory promises is in test_article_directory.py."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from modules.articles.container import ArticlesContainer
from modules.articles.contracts import ArticleId
from modules.articles.domain.article import (
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
from modules.kernel.fakes import NOON
from modules.profiles.contracts import Profile
from modules.profiles.fakes import FakeProfileReader
from tests.articles.factories import ANNA, CARL, JAKE, draft, tags

SECOND = timedelta(seconds=1)
EVERYTHING = Criteria()


class Shelf:
    """Articles on the database of the test, with jake, anna and carl, whom profiles knows."""

    def __init__(self, articles: ArticlesContainer) -> None:
        self.database = articles.database()
        self.articles = articles.repository()
        self.profiles = FakeProfileReader()
        self.reader = SqlArticleReader(self.database, self.profiles)
        assert [self.profiles.add(name) for name in ("jake", "anna", "carl")] == [JAKE, ANNA, CARL]

    async def put(self, *drafts: Draft) -> list[ArticleId]:
        """Keep articles and return their ids."""
        return [await self.articles.add(one) for one in drafts]

    async def see(self, article: ArticleId, viewer: UserId | None = None) -> ArticleView:
        """Return an article."""
        return await self.reader.article_by_id(article, viewer)

    async def save(self, article: ArticleView, changes: ArticleChanges, new_title: Title | None) -> None:
        """Change an article."""
        async with self.database.transaction():
            get_for_update = await self.articles.get_for_update(article.slug)
            await self.articles.save(get_for_update.edited(changes, NOON + SECOND), new_title)

    async def remove(self, slug: str) -> None:
        """Forget an article."""
        async with self.database.transaction():
            await self.articles.remove(await self.articles.get_for_update(slug))

    async def listed(
        self, criteria: Criteria = EVERYTHING, page: PageRequest | None = None, viewer: UserId | None = None
    ) -> ArticleList:
        """Return a list."""
        return await self.reader.articles(criteria, page or PageRequest(), viewer)

    async def count(self, table: type[TagRow | FavoriteRow]) -> int | None:
        """Return how many rows there are."""
        async with self.database.snapshot() as session:
            return await session.scalar(select(func.count()).select_from(table))


@pytest.fixture
def shelf(articles: ArticlesContainer) -> Shelf:
    return Shelf(articles)


def slugs(found: ArticleList) -> Sequence[str]:
    return [article.slug for article in found.articles]


class TestAdd:
    async def test_what_is_kept_is_what_was_written(self, shelf: Shelf) -> None:
        [article] = await shelf.put(draft("Dragons", tag_list=tags("fire", "breath")))
        assert await shelf.see(article) == ArticleView(
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

    async def test_a_title_that_was_there_before_gets_another_slug(self, shelf: Shelf) -> None:
        first, second, third = await shelf.put(draft(), draft(), draft(author=ANNA))
        found = {(await shelf.see(article)).slug for article in (first, second, third)}
        assert len(found) == 3
        assert all(slug.startswith("dragons") for slug in found)

    async def test_a_title_whose_every_slug_is_taken_is_refused(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Title, "slugs", lambda _title: iter(["dragons", "dragons"]))
        await shelf.put(draft())
        with pytest.raises(SlugTaken):
            await shelf.put(draft())

    async def test_an_id_is_never_given_twice(self, shelf: Shelf) -> None:
        [first] = await shelf.put(draft())
        await shelf.remove("dragons")
        assert await shelf.put(draft()) != [first]


class TestHeld:
    async def test_it_is_the_article_as_its_author_may_change_it(self, shelf: Shelf) -> None:
        [article] = await shelf.put(draft(tag_list=tags("fire")))
        async with shelf.database.transaction():
            get_for_update = await shelf.articles.get_for_update("dragons")
        assert (get_for_update.id, get_for_update.slug, get_for_update.author_id) == (
            article,
            "dragons",
            JAKE,
        )
        assert (get_for_update.title, get_for_update.description, get_for_update.body) == (
            "Dragons",
            "On dragons",
            "They fly.",
        )
        assert (get_for_update.tags, get_for_update.created_at, get_for_update.updated_at) == (
            ("fire",),
            NOON,
            NOON,
        )

    async def test_what_does_not_exist_cannot_be_held(self, shelf: Shelf) -> None:
        with pytest.raises(ArticleNotFound):
            await shelf.articles.get_for_update("dragons")


class TestSave:
    async def test_every_field_is_kept(self, shelf: Shelf) -> None:
        [article] = await shelf.put(draft(tag_list=tags("fire", "breath")))
        before = await shelf.see(article)
        title = Title("Knights")
        changes = ArticleChanges(title, Description("On knights"), Body("They ride."), tags("iron", "breath"))
        await shelf.save(before, changes, title)
        assert await shelf.see(article) == replace(
            before,
            slug="knights",
            title="Knights",
            description="On knights",
            body="They ride.",
            tag_list=("iron", "breath"),
            updated_at=NOON + SECOND,
        )

    async def test_its_tags_find_it_and_its_former_tags_do_not(self, shelf: Shelf) -> None:
        [article, _] = await shelf.put(draft(tag_list=tags("fire")), draft("Stoves", tag_list=tags("fire")))
        await shelf.save(await shelf.see(article), ArticleChanges(tags=tags("iron")), None)
        assert slugs(await shelf.listed(Criteria(tag="fire"))) == ["stoves"]
        assert slugs(await shelf.listed(Criteria(tag="iron"))) == ["dragons"]

    async def test_without_a_new_title_the_slug_stays(self, shelf: Shelf) -> None:
        [article] = await shelf.put(draft())
        await shelf.save(await shelf.see(article), ArticleChanges(body=Body("They swim.")), None)
        assert (await shelf.see(article)).slug == "dragons"

    async def test_a_new_title_that_others_have_gets_a_slug_of_its_own(self, shelf: Shelf) -> None:
        [article, _] = await shelf.put(draft(), draft("Knights"))
        title = Title("Knights")
        await shelf.save(await shelf.see(article), ArticleChanges(title=title), title)
        slug = (await shelf.see(article)).slug
        assert slug.startswith("knights-")
        assert len(set(slugs(await shelf.listed()))) == 2

    async def test_a_new_title_changes_the_slug_even_if_it_makes_the_same(self, shelf: Shelf) -> None:
        [article] = await shelf.put(draft("Dragons"))
        title = Title("Dragons!")
        await shelf.save(await shelf.see(article), ArticleChanges(title=title), title)
        assert (await shelf.see(article)).slug.startswith("dragons-")

    async def test_a_new_title_whose_every_slug_is_taken_is_refused_and_nothing_is_changed(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [article, _] = await shelf.put(draft(), draft("Knights"))
        before = await shelf.see(article)
        monkeypatch.setattr(Title, "slugs", lambda _title: iter(["knights"]))
        title = Title("Knights")
        with pytest.raises(SlugTaken):
            await shelf.save(before, ArticleChanges(title=title, tags=tags("iron")), title)
        assert await shelf.see(article) == before


class TestRemove:
    async def test_its_tags_and_favourites_go_with_it_and_no_others(self, shelf: Shelf) -> None:
        await shelf.put(draft(tag_list=tags("fire")), draft("Knights", tag_list=tags("iron", "fire")))
        await shelf.articles.add_favorite("dragons", ANNA)
        await shelf.articles.add_favorite("knights", ANNA)
        await shelf.remove("dragons")
        assert slugs(await shelf.listed()) == ["knights"]
        assert await shelf.count(TagRow) == 2
        assert await shelf.count(FavoriteRow) == 1


class TestFavorites:
    async def test_each_user_counts_once(self, shelf: Shelf) -> None:
        [article] = await shelf.put(draft())
        for user, is_new in ((ANNA, True), (CARL, True), (ANNA, False)):
            assert await shelf.articles.add_favorite("dragons", user) == (article, is_new)
        seen = await shelf.see(article, viewer=ANNA)
        assert (seen.favorited, seen.favorites_count) == (True, 2)
        assert not (await shelf.see(article, viewer=JAKE)).favorited
        assert not (await shelf.see(article)).favorited

    async def test_taking_back_what_is_not_there_counts_nothing(self, shelf: Shelf) -> None:
        [article] = await shelf.put(draft())
        await shelf.articles.add_favorite("dragons", ANNA)
        for user in (CARL, ANNA, ANNA):
            assert await shelf.articles.remove_favorite("dragons", user) == article
        assert (await shelf.see(article)).favorites_count == 0

    async def test_what_does_not_exist_cannot_be_favoured(self, shelf: Shelf) -> None:
        with pytest.raises(ArticleNotFound):
            await shelf.articles.add_favorite("dragons", ANNA)
        with pytest.raises(ArticleNotFound):
            await shelf.articles.remove_favorite("dragons", ANNA)


class TestReadOne:
    async def test_it_is_found_by_slug_as_by_id(self, shelf: Shelf) -> None:
        [article, _] = await shelf.put(draft("Dragons"), draft("Knights"))
        assert await shelf.reader.article("dragons", None) == await shelf.see(article)

    async def test_its_author_is_seen_by_the_viewer(self, shelf: Shelf) -> None:
        [article] = await shelf.put(draft(author=JAKE))
        shelf.profiles.follow(ANNA, JAKE)
        assert (await shelf.see(article, viewer=ANNA)).author.following
        assert not (await shelf.see(article, viewer=CARL)).author.following

    async def test_what_does_not_exist_is_not_found(self, shelf: Shelf) -> None:
        with pytest.raises(ArticleNotFound):
            await shelf.reader.article("dragons", None)
        with pytest.raises(ArticleNotFound):
            await shelf.reader.article_by_id(ArticleId(1000), None)


class TestList:
    async def test_the_newest_come_first_and_of_one_moment_the_last_one_kept(self, shelf: Shelf) -> None:
        await shelf.put(draft("Second", at=NOON), draft("Third", at=NOON), draft("First", at=NOON - SECOND))
        assert slugs(await shelf.listed()) == ["third", "second", "first"]

    async def test_a_page_is_a_window_and_the_count_is_of_all(self, shelf: Shelf) -> None:
        await shelf.put(*(draft(f"Article {number}") for number in range(5)))
        found = await shelf.listed(page=PageRequest(limit=2, offset=1))
        assert slugs(found) == ["article-3", "article-2"]
        assert found.articles_count == 5

    async def test_a_page_after_the_end_is_empty_and_the_count_is_of_all(self, shelf: Shelf) -> None:
        await shelf.put(draft())
        assert await shelf.listed(page=PageRequest(offset=2**63 - 1)) == ArticleList([], 1)

    async def test_each_is_seen_by_the_viewer(self, shelf: Shelf) -> None:
        await shelf.put(draft("Dragons", author=JAKE), draft("Knights", author=ANNA))
        await shelf.articles.add_favorite("dragons", CARL)
        shelf.profiles.follow(CARL, ANNA)
        knights, dragons = (await shelf.listed(viewer=CARL)).articles
        assert (dragons.favorited, dragons.author.username, dragons.author.following) == (True, "jake", False)
        assert (knights.favorited, knights.author.username, knights.author.following) == (False, "anna", True)

    async def test_nobody_favours_and_follows_nothing(self, shelf: Shelf) -> None:
        await shelf.put(draft())
        await shelf.articles.add_favorite("dragons", CARL)
        shelf.profiles.follow(CARL, JAKE)
        [article] = (await shelf.listed(viewer=None)).articles
        assert (article.favorited, article.author.following, article.favorites_count) == (False, False, 1)


class TestFilters:
    @pytest.fixture
    async def shelf(self, articles: ArticlesContainer) -> Shelf:
        """Return a shelf of three articles, each of which meets other filters."""
        shelf = Shelf(articles)
        await shelf.put(
            draft("Dragons", author=JAKE, tag_list=tags("fire", "wings")),
            draft("Knights", author=ANNA, tag_list=tags("iron", "fire")),
            draft("Bats", author=ANNA, tag_list=tags("wings")),
        )
        for slug, user in [("dragons", CARL), ("bats", CARL), ("dragons", JAKE), ("knights", JAKE)]:
            await shelf.articles.add_favorite(slug, user)
        return shelf

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
    async def test_every_filter_holds(self, shelf: Shelf, criteria: Criteria, expected: list[str]) -> None:
        found = await shelf.listed(criteria)
        assert slugs(found) == expected
        assert found.articles_count == len(expected)

    @pytest.mark.parametrize(
        "criteria", [Criteria(author="nobody"), Criteria(favorited="nobody", tag="fire")]
    )
    async def test_a_name_that_nobody_has_meets_none(self, shelf: Shelf, criteria: Criteria) -> None:
        assert await shelf.listed(criteria) == ArticleList((), 0)

    @pytest.mark.parametrize(
        "criteria", [Criteria(tag="wings"), Criteria(author="anna"), Criteria(favorited="carl")], ids=str
    )
    async def test_each_way_of_filtering_pages_newest_first(self, shelf: Shelf, criteria: Criteria) -> None:
        everything = await shelf.listed(criteria)
        pages = [await shelf.listed(criteria, PageRequest(limit=1, offset=offset)) for offset in (0, 1)]
        assert [slug for page in pages for slug in slugs(page)] == slugs(everything)
        assert [page.articles_count for page in pages] == [2, 2]

    @pytest.mark.parametrize("favorited", ["carl", "jake"])
    async def test_what_others_favour_is_not_what_the_viewer_favours(
        self, shelf: Shelf, favorited: str
    ) -> None:
        found = await shelf.listed(Criteria(favorited=favorited), viewer=CARL)
        assert {article.slug: article.favorited for article in found.articles} == {
            slug: slug != "knights" for slug in slugs(found)
        }


class TestFeed:
    async def test_it_is_of_those_whom_the_reader_follows(self, shelf: Shelf) -> None:
        await shelf.put(draft("One", author=JAKE), draft("Two", author=ANNA), draft("Three", author=JAKE))
        shelf.profiles.follow(CARL, JAKE)
        found = await shelf.reader.feed(CARL, PageRequest())
        assert slugs(found) == ["three", "one"]
        assert found.articles_count == 2
        assert all(article.author.following for article in found.articles)

    async def test_a_page_is_a_window_and_the_count_is_of_all(self, shelf: Shelf) -> None:
        await shelf.put(*(draft(f"Article {number}", author=JAKE) for number in range(3)))
        shelf.profiles.follow(CARL, JAKE)
        found = await shelf.reader.feed(CARL, PageRequest(limit=1, offset=1))
        assert slugs(found) == ["article-1"]
        assert found.articles_count == 3

    async def test_one_who_follows_nobody_has_an_empty_one(self, shelf: Shelf) -> None:
        await shelf.put(draft(author=JAKE))
        assert await shelf.reader.feed(CARL, PageRequest()) == ArticleList((), 0)


class TestTags:
    async def test_the_most_used_come_first_and_of_equals_the_first_letter(self, shelf: Shelf) -> None:
        await shelf.put(
            draft("One", tag_list=tags("b", "c")),
            draft("Two", tag_list=tags("c")),
            draft("Three", tag_list=tags("a")),
        )
        assert await shelf.reader.tags() == ["c", "a", "b"]

    async def test_a_tag_that_is_on_no_article_any_more_is_none(self, shelf: Shelf) -> None:
        await shelf.put(draft(tag_list=tags("fire")))
        await shelf.remove("dragons")
        assert await shelf.reader.tags() == []
