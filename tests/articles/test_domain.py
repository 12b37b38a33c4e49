"""The domain of articles, without a database."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modules.articles.contracts import (
    MAX_DELETED_ARTICLES,
    ArticleEdited,
    ArticleFavorited,
    ArticleId,
    ArticlePublished,
    ArticlesDeleted,
)
from modules.articles.domain.article import (
    Article,
    ArticleChanges,
    NotTheAuthor,
)
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


def problem(value_object: type, text: str) -> str:
    """Return the problem that the value object reports for this text."""
    with pytest.raises(Invalid) as error:
        value_object(text)
    return error.value.problem


def first_slug(title: str) -> str:
    return next(Title(title).slugs())


class TestTitle:
    def test_title_is_a_trimmed_line(self) -> None:
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
            ("Don't panic", "dont-panic"),
            ("Don\u2019t panic", "dont-panic"),
            ("&amp; &#65;", "amp-65"),
        ],
    )
    def test_first_slug_is_the_transliterated_title(self, title: str, slug: str) -> None:
        assert first_slug(title) == slug

    @pytest.mark.parametrize("title", ["🐉", "!!!", "—", "\u200b!"])
    def test_title_without_letters_gets_the_fallback_slug(self, title: str) -> None:
        assert first_slug(title) == FALLBACK_SLUG

    @pytest.mark.parametrize("title", ["feed", "Feed", "FEED!", "  feed  "])
    def test_reserved_slug_gets_a_suffix(self, title: str) -> None:
        slugs = list(Title(title).slugs())
        assert len(slugs) == MAX_SLUG_ATTEMPTS
        assert all(slug.startswith("feed-") for slug in slugs)

    def test_later_slugs_have_a_random_suffix(self) -> None:
        first, *later = Title("Dragons").slugs()
        assert len(later) == MAX_SLUG_ATTEMPTS
        assert all(re.fullmatch(rf"{first}-[a-z0-9]{{8}}", slug) for slug in later)
        assert len(set(later)) == MAX_SLUG_ATTEMPTS

    def test_long_slug_ends_at_a_word(self) -> None:
        words = "dragon " * 30
        assert first_slug(words) == "-".join(["dragon"] * 14)

    @given(ANY_TEXT)
    @example("&#99999999999999999999;")
    @example("&#xD800;")
    @example("x" * 250)
    def test_slug_is_nonempty_short_and_safe_in_urls(self, text: str) -> None:
        try:
            title = Title(text)
        except Invalid:
            return
        for slug in islice(title.slugs(), 2):
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
            assert len(slug) <= MAX_STEM_LENGTH + len("-12345678")
            assert slug not in RESERVED_SLUGS


class TestDescriptionAndBody:
    def test_description_is_a_trimmed_line(self) -> None:
        assert Description(" On dragons ").text == "On dragons"
        assert problem(Description, "") == "can't be blank"
        assert problem(Description, "x" * 1_001) == "is too long (at most 1000 characters)"

    def test_body_is_stored_verbatim(self) -> None:
        assert Body("  # Dragons\n\n\tThey fly.\n").text == "  # Dragons\n\n\tThey fly.\n"
        assert problem(Body, "\n") == "can't be blank"
        assert problem(Body, "x" * 500_001) == "is too long (at most 500000 characters)"


class TestTagList:
    def test_tag_is_a_trimmed_line(self) -> None:
        assert Tag(" fire ").text == "fire"
        assert problem(Tag, " ") == "can't be blank"
        assert problem(Tag, "x" * 65) == "is too long (at most 64 characters)"

    def test_tags_keep_their_order_without_duplicates(self) -> None:
        assert tags("fire", "breath", " fire", "Fire").texts == ("fire", "breath", "Fire")

    def test_number_of_tags_is_limited(self) -> None:
        many = [f"tag {number}" for number in range(MAX_TAGS)]
        assert len(tags(*many, *many).texts) == MAX_TAGS
        with pytest.raises(Invalid) as error:
            tags(*many, "one more")
        assert error.value.problems == {"tagList": "has too many tags (at most 30)"}

    @given(st.lists(st.text("abc ", min_size=1, max_size=2), max_size=MAX_TAGS))
    def test_tag_list_of_its_own_texts_is_equal(self, texts: list[str]) -> None:
        try:
            tag_list = tags(*texts)
        except Invalid:
            return
        assert tags(*tag_list.texts) == tag_list
        assert set(tag_list.texts) == {text.strip() for text in texts}


ARTICLE = Article(ArticleId(7), "dragons", JAKE, "Dragons", "On dragons", "They fly.", ("fire",), NOON, NOON)


class TestArticle:
    def test_only_the_author_passes_require_author(self) -> None:
        ARTICLE.require_author(JAKE)
        with pytest.raises(NotTheAuthor):
            ARTICLE.require_author(ANNA)

    def test_empty_changes_update_the_time_only(self) -> None:
        later = NOON + SECOND
        assert ARTICLE.edited(ArticleChanges(), later) == replace(ARTICLE, updated_at=later)

    def test_every_field_can_be_changed(self) -> None:
        changes = ArticleChanges(
            Title("Knights"), Description("On knights"), Body("They ride."), tags("iron")
        )
        edited = ARTICLE.edited(changes, NOON + SECOND)
        assert (edited.title, edited.description, edited.body) == ("Knights", "On knights", "They ride.")
        assert edited.tags == ("iron",)
        assert (edited.id, edited.author_id, edited.created_at) == (ARTICLE.id, JAKE, NOON)

    def test_all_tags_can_be_removed(self) -> None:
        assert ARTICLE.edited(ArticleChanges(tags=tags()), NOON).tags == ()

    def test_edits_at_equal_times_get_increasing_times(self) -> None:
        once = ARTICLE.edited(ArticleChanges(), NOON)
        twice = once.edited(ArticleChanges(), NOON)
        assert ARTICLE.updated_at < once.updated_at < twice.updated_at


class UseCases:
    """The use cases on fakes, at noon."""

    def __init__(self) -> None:
        unit_of_work = FakeUnitOfWork()
        self.articles = FakeArticles(unit_of_work)
        self.events = FakeEvents(unit_of_work)
        self.clock = FakeClock()
        self.service = ArticleService(unit_of_work, self.articles, self.articles, self.events, self.clock)

    async def publish(self, title: str = "Dragons", author_id: UserId = JAKE) -> ArticleId:
        """Publish an article and return its id."""
        new = draft(title, tag_list=tags("fire"))
        await self.service.publish(author_id, new.title, new.description, new.body, new.tags)
        return max(self.articles.stored)


@pytest.fixture
def use_cases() -> UseCases:
    return UseCases()


async def test_publishing_publishes_an_event(use_cases: UseCases) -> None:
    article_id = await use_cases.publish()
    assert use_cases.events.published == [ArticlePublished(article_id)]


class TestEdit:
    async def test_edit_sets_the_time_and_publishes_an_event(self, use_cases: UseCases) -> None:
        article_id = await use_cases.publish()
        use_cases.clock.at += SECOND
        article = await use_cases.service.edit("dragons", ArticleChanges(body=Body("They swim.")), JAKE)
        assert (article.body, article.updated_at) == ("They swim.", NOON + SECOND)
        assert use_cases.events.published[1:] == [ArticleEdited(article_id)]

    async def test_title_of_the_same_stem_keeps_a_suffixed_slug(self, use_cases: UseCases) -> None:
        article_id = await use_cases.publish()
        stored = use_cases.articles.stored
        stored[article_id] = replace(stored[article_id], slug="dragons-12345678")
        for title in ("Dragons", "DRAGONS?"):
            changes = ArticleChanges(title=Title(title))
            article = await use_cases.service.edit("dragons-12345678", changes, JAKE)
            assert (article.title, article.slug) == (title, "dragons-12345678")

    async def test_rejected_edit_publishes_no_event(self, use_cases: UseCases) -> None:
        await use_cases.publish()
        with pytest.raises(NotTheAuthor):
            await use_cases.service.edit("dragons", ArticleChanges(title=Title("Knights")), ANNA)
        assert not any(isinstance(event, ArticleEdited) for event in use_cases.events.published)


class TestDelete:
    async def test_deletion_publishes_an_event(self, use_cases: UseCases) -> None:
        article_id = await use_cases.publish()
        await use_cases.service.delete("dragons", JAKE)
        assert use_cases.articles.stored == {}
        assert use_cases.events.published[1:] == [ArticlesDeleted(JAKE, (article_id,))]

    async def test_rejected_deletion_publishes_no_event(self, use_cases: UseCases) -> None:
        await use_cases.publish()
        with pytest.raises(NotTheAuthor):
            await use_cases.service.delete("dragons", ANNA)
        assert not any(isinstance(event, ArticlesDeleted) for event in use_cases.events.published)


async def test_user_deletion_deletes_articles_and_favorites_and_publishes_it(
    use_cases: UseCases,
) -> None:
    own = [await use_cases.publish(title) for title in ("Dragons", "Knights")]
    other = await use_cases.publish("Elves", ANNA)
    await use_cases.service.favorite("elves", JAKE)
    before = len(use_cases.events.published)
    await use_cases.service.on_user_deleted(UserDeleted(JAKE))
    assert list(use_cases.articles.stored) == [other]
    assert use_cases.events.published[before:] == [ArticlesDeleted(JAKE, tuple(own))]
    assert use_cases.articles.favorites == {other: set()}


async def test_deletion_of_many_articles_is_published_in_batches(use_cases: UseCases) -> None:
    own = [await use_cases.publish(f"Dragon {number}") for number in range(MAX_DELETED_ARTICLES + 1)]
    before = len(use_cases.events.published)
    await use_cases.service.on_user_deleted(UserDeleted(JAKE))
    assert use_cases.events.published[before:] == [
        ArticlesDeleted(JAKE, tuple(own[:MAX_DELETED_ARTICLES])),
        ArticlesDeleted(JAKE, tuple(own[MAX_DELETED_ARTICLES:])),
    ]


async def test_personal_data_has_own_articles_and_favorites(use_cases: UseCases) -> None:
    await use_cases.publish("Dragons")
    await use_cases.publish("Elves", ANNA)
    await use_cases.service.favorite("elves", JAKE)
    data = await use_cases.service.export_personal_data(JAKE)
    assert data["favorites"] == ["elves"]
    articles = data["articles"]
    assert isinstance(articles, AsyncIterator)
    assert [article async for article in articles] == [
        {
            "slug": "dragons",
            "title": "Dragons",
            "description": "On dragons",
            "body": "They fly.",
            "tagList": ["fire"],
            "createdAt": "2026-01-31T12:00:00.000Z",
            "updatedAt": "2026-01-31T12:00:00.000Z",
        }
    ]


async def test_favoriting_twice_publishes_one_event(use_cases: UseCases) -> None:
    article_id = await use_cases.publish()
    for _ in range(2):
        await use_cases.service.favorite("dragons", ANNA)
    assert use_cases.events.published[1:] == [ArticleFavorited(article_id, ANNA)]
