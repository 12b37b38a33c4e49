"""The rules of articles, without a database."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modules.articles.contracts import (
    ArticleDeleted,
    ArticleEdited,
    ArticleFavorited,
    ArticleId,
    ArticlePublished,
)
from modules.articles.domain.article import (
    Article,
    ArticleChanges,
    ArticleNotFound,
    NotTheAuthor,
)
from modules.articles.domain.reading import ArticleView
from modules.articles.domain.service import ArticleService
from modules.articles.domain.values import (
    FALLBACK_SLUG,
    MAX_SLUG_ATTEMPTS,
    MAX_STEM_LENGTH,
    MAX_TAGS,
    RESERVED_SLUGS,
    Body,
    Description,
    Tag,
    TagList,
    Title,
)
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import NOON, FakeClock, FakeEvents, FakeUnitOfWork
from modules.users.contracts import UserDeleted
from tests.articles.factories import ANNA, JAKE, draft, tags
from tests.articles.fakes import FakeArticles

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=260)
SECOND = timedelta(seconds=1)


def problem(make: type, text: str) -> str:
    """Return why this text makes no such value."""
    with pytest.raises(Invalid) as refusal:
        make(text)
    return refusal.value.problem


def first_slug(title: str) -> str:
    return next(Title(title).slugs())


class TestTitle:
    def test_it_is_one_line_without_the_white_space_around_it(self) -> None:
        assert Title(" Dragons ").text == "Dragons"
        assert problem(Title, " ") == "can't be blank"
        assert problem(Title, "Dra\ngons") == "must be one line, without control characters"
        assert problem(Title, "x" * 251) == "is too long (at most 250 characters)"


class TestSlugs:
    @pytest.mark.parametrize(
        ("title", "slug"),
        [
            ("How to train your dragon", "how-to-train-your-dragon"),
            ("  Ünïcödé & Friends!  ", "unicode-friends"),
            ("日本語", "ri-ben-yu"),
            ("Already-a-slug", "already-a-slug"),
            ("C++ / C#", "c-c"),
            ("../../etc/passwd", "etc-passwd"),
            ("2026", "2026"),
        ],
    )
    def test_the_first_is_the_title_in_letters_that_need_no_escaping(self, title: str, slug: str) -> None:
        assert first_slug(title) == slug

    @pytest.mark.parametrize("title", ["🐉", "!!!", "—", "\u200b"])
    def test_a_title_without_letters_is_named_all_the_same(self, title: str) -> None:
        assert first_slug(title) == FALLBACK_SLUG

    @pytest.mark.parametrize("title", ["feed", "Feed", "FEED!", "  feed  "])
    def test_no_slug_is_a_route(self, title: str) -> None:
        slugs = list(Title(title).slugs())
        assert len(slugs) == MAX_SLUG_ATTEMPTS
        assert all(slug.startswith("feed-") for slug in slugs)

    def test_those_after_the_first_end_in_chance(self) -> None:
        first, *others = Title("Dragons").slugs()
        assert len(others) == MAX_SLUG_ATTEMPTS
        assert all(re.fullmatch(rf"{first}-[a-z0-9]{{8}}", other) for other in others)
        assert len(set(others)) == MAX_SLUG_ATTEMPTS

    def test_a_long_title_ends_at_a_word(self) -> None:
        words = "dragon " * 30
        assert first_slug(words) == "-".join(["dragon"] * 14)

    @given(ANY_TEXT)
    @example("&#99999999999999999999;")
    @example("&#xD800;")
    @example("x" * 250)
    def test_every_slug_is_short_never_empty_and_usable_in_a_url(self, text: str) -> None:
        try:
            title = Title(text)
        except Invalid:
            return
        for slug in islice(title.slugs(), 2):
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
            assert len(slug) <= MAX_STEM_LENGTH + len("-12345678")
            assert slug not in RESERVED_SLUGS


class TestOtherTexts:
    def test_a_description_is_one_line(self) -> None:
        assert Description(" On dragons ").text == "On dragons"
        assert problem(Description, "") == "can't be blank"
        assert problem(Description, "x" * 1_001) == "is too long (at most 1000 characters)"

    def test_a_body_is_kept_as_it_was_typed(self) -> None:
        assert Body("  # Dragons\n\n\tThey fly.\n").text == "  # Dragons\n\n\tThey fly.\n"
        assert problem(Body, "\n") == "can't be blank"
        assert problem(Body, "x" * 500_001) == "is too long (at most 500000 characters)"


class TestTagList:
    def test_a_tag_is_one_line(self) -> None:
        assert Tag(" fire ").text == "fire"
        assert problem(Tag, " ") == "can't be blank"
        assert problem(Tag, "x" * 65) == "is too long (at most 64 characters)"

    def test_tags_keep_their_authors_order_and_come_once(self) -> None:
        assert tags("fire", "breath", " fire", "Fire").texts == ("fire", "breath", "Fire")

    def test_there_may_be_so_many_and_no_more(self) -> None:
        many = [f"tag {number}" for number in range(MAX_TAGS)]
        assert len(tags(*many, *many).texts) == MAX_TAGS
        with pytest.raises(Invalid) as refusal:
            tags(*many, "one more")
        assert refusal.value.problems == {"tagList": "has too many tags (at most 30)"}

    def test_none_are_some_too(self) -> None:
        assert TagList().texts == ()

    @given(st.lists(st.text("abc ", min_size=1, max_size=2), max_size=MAX_TAGS))
    def test_a_list_of_what_is_in_it_is_the_same_list(self, texts: list[str]) -> None:
        try:
            tag_list = tags(*texts)
        except Invalid:
            return
        assert tags(*tag_list.texts) == tag_list
        assert set(tag_list.texts) == {text.strip() for text in texts}


ARTICLE = Article(ArticleId(7), "dragons", JAKE, "Dragons", "On dragons", "They fly.", ("fire",), NOON, NOON)


class TestArticle:
    def test_its_author_may_change_it_and_nobody_else(self) -> None:
        ARTICLE.require_author(JAKE)
        with pytest.raises(NotTheAuthor):
            ARTICLE.require_author(ANNA)

    def test_what_is_not_changed_stays_but_for_the_time(self) -> None:
        later = NOON + SECOND
        assert ARTICLE.edited(ArticleChanges(), later) == replace(ARTICLE, updated_at=later)

    def test_what_is_changed_is_changed(self) -> None:
        changes = ArticleChanges(
            Title("Knights"), Description("On knights"), Body("They ride."), tags("iron")
        )
        edited = ARTICLE.edited(changes, NOON + SECOND)
        assert (edited.title, edited.description, edited.body) == ("Knights", "On knights", "They ride.")
        assert edited.tags == ("iron",)
        assert (edited.id, edited.author_id, edited.created_at) == (ARTICLE.id, JAKE, NOON)

    def test_all_tags_can_be_removed(self) -> None:
        assert ARTICLE.edited(ArticleChanges(tags=tags()), NOON).tags == ()

    def test_two_edits_at_one_moment_differ_in_time(self) -> None:
        once = ARTICLE.edited(ArticleChanges(), NOON)
        twice = once.edited(ArticleChanges(), NOON)
        assert ARTICLE.updated_at < once.updated_at < twice.updated_at


class Scene:
    """The use cases on fakes, at noon."""

    def __init__(self) -> None:
        unit_of_work = FakeUnitOfWork()
        self.kept = FakeArticles(unit_of_work)
        self.events = FakeEvents(unit_of_work)
        self.clock = FakeClock()
        self.service = ArticleService(unit_of_work, self.kept, self.kept, self.events, self.clock)

    async def publish(self, title: str = "Dragons") -> ArticleView:
        """Publish an article of jake's."""
        return await self.publish_as(JAKE, title)

    async def publish_as(self, author: UserId, title: str) -> ArticleView:
        """Publish an article."""
        new = draft(title, tag_list=tags("fire"))
        return await self.service.publish(author, new.title, new.description, new.body, new.tags)


@pytest.fixture
def scene() -> Scene:
    return Scene()


class TestPublish:
    async def test_the_article_is_kept_and_seen_at_once(self, scene: Scene) -> None:
        article = await scene.publish()
        assert (article.title, article.description, article.body) == ("Dragons", "On dragons", "They fly.")
        assert (article.slug, article.tag_list) == ("dragons", ("fire",))
        assert article.created_at == article.updated_at == NOON
        assert (article.favorited, article.favorites_count) == (False, 0)
        assert len(scene.kept.kept) == 1

    async def test_it_is_told(self, scene: Scene) -> None:
        await scene.publish()
        assert scene.events.published == [ArticlePublished(article) for article in scene.kept.kept]


class TestEdit:
    async def test_the_author_changes_the_article(self, scene: Scene) -> None:
        await scene.publish()
        scene.clock.at += SECOND
        article = await scene.service.edit("dragons", ArticleChanges(body=Body("They swim.")), JAKE)
        assert (article.body, article.updated_at) == ("They swim.", NOON + SECOND)
        assert (article.slug, article.created_at) == ("dragons", NOON)
        assert scene.events.published[1:] == [ArticleEdited(key) for key in scene.kept.kept]

    async def test_another_title_gives_it_another_slug(self, scene: Scene) -> None:
        await scene.publish()
        article = await scene.service.edit("dragons", ArticleChanges(title=Title("Knights")), JAKE)
        assert article.slug == "knights"

    async def test_the_same_title_does_not(self, scene: Scene) -> None:
        await scene.publish()
        [kept] = scene.kept.kept.values()
        scene.kept.kept[kept.id] = replace(kept, slug="dragons-12345678")
        changes = ArticleChanges(title=Title("Dragons"))
        article = await scene.service.edit("dragons-12345678", changes, JAKE)
        assert article.slug == "dragons-12345678"

    async def test_nobody_else_may(self, scene: Scene) -> None:
        before = await scene.publish()
        with pytest.raises(NotTheAuthor):
            await scene.service.edit("dragons", ArticleChanges(title=Title("Knights")), ANNA)
        assert [article.title for article in scene.kept.kept.values()] == [before.title]
        assert not any(isinstance(event, ArticleEdited) for event in scene.events.published)

    async def test_what_does_not_exist_cannot_be_changed(self, scene: Scene) -> None:
        with pytest.raises(ArticleNotFound):
            await scene.service.edit("dragons", ArticleChanges(), JAKE)


class TestDelete:
    async def test_the_author_deletes_it_and_it_is_told(self, scene: Scene) -> None:
        await scene.publish()
        [article] = scene.kept.kept
        await scene.service.delete("dragons", JAKE)
        assert scene.kept.kept == {}
        assert scene.events.published[1:] == [ArticleDeleted(article)]

    async def test_nobody_else_may_and_nothing_is_told(self, scene: Scene) -> None:
        await scene.publish()
        with pytest.raises(NotTheAuthor):
            await scene.service.delete("dragons", ANNA)
        assert len(scene.kept.kept) == 1
        assert not any(isinstance(event, ArticleDeleted) for event in scene.events.published)

    async def test_what_does_not_exist_cannot_be_deleted(self, scene: Scene) -> None:
        with pytest.raises(ArticleNotFound):
            await scene.service.delete("dragons", JAKE)
        assert scene.events.published == []


class TestUserDeleted:
    async def test_the_users_articles_go_and_each_is_told(self, scene: Scene) -> None:
        for title in ("Dragons", "Knights"):
            await scene.publish(title)
        await scene.publish_as(ANNA, "Elves")
        await scene.service.favorite("elves", JAKE)
        *own, other = scene.kept.kept
        before = len(scene.events.published)
        await scene.service.on_user_deleted(UserDeleted(JAKE))
        assert list(scene.kept.kept) == [other]
        assert scene.events.published[before:] == [ArticleDeleted(key) for key in own]
        assert scene.kept.favorites == {other: set()}


class TestOwnData:
    async def test_it_is_what_the_user_published_and_favours(self, scene: Scene) -> None:
        await scene.publish("Dragons")
        await scene.publish_as(ANNA, "Elves")
        await scene.service.favorite("elves", JAKE)
        assert await scene.service.export_personal_data(JAKE) == {
            "articles": [
                {
                    "slug": "dragons",
                    "title": "Dragons",
                    "description": "On dragons",
                    "body": "They fly.",
                    "tagList": ["fire"],
                    "createdAt": "2026-01-31T12:00:00.000Z",
                    "updatedAt": "2026-01-31T12:00:00.000Z",
                }
            ],
            "favorites": ["elves"],
        }


class TestFavorite:
    async def test_it_is_counted_and_the_article_stays_as_old_as_it_was(self, scene: Scene) -> None:
        await scene.publish()
        scene.clock.at += SECOND
        article = await scene.service.favorite("dragons", ANNA)
        assert (article.favorited, article.favorites_count) == (True, 1)
        assert article.updated_at == NOON

    async def test_twice_is_once_and_told_once(self, scene: Scene) -> None:
        await scene.publish()
        await scene.service.favorite("dragons", ANNA)
        assert (await scene.service.favorite("dragons", ANNA)).favorites_count == 1
        [article] = scene.kept.kept
        assert scene.events.published[1:] == [ArticleFavorited(article, ANNA)]

    async def test_it_can_be_taken_back(self, scene: Scene) -> None:
        await scene.publish()
        await scene.service.favorite("dragons", ANNA)
        article = await scene.service.unfavorite("dragons", ANNA)
        assert (article.favorited, article.favorites_count) == (False, 0)

    async def test_what_does_not_exist_cannot_be_favoured(self, scene: Scene) -> None:
        with pytest.raises(ArticleNotFound):
            await scene.service.favorite("dragons", ANNA)
        with pytest.raises(ArticleNotFound):
            await scene.service.unfavorite("dragons", ANNA)
