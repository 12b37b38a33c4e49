"""What a word is, what a query is, and what is shown of an article, without a database."""

from datetime import UTC, datetime

import pytest

from conduit_search.domain.highlights import MAX_SCANNED, Highlights, highlights
from conduit_search.domain.query import Query
from conduit_search.domain.words import keys, words
from modules.articles.contracts import ArticleContent
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.identity import UserId

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def shown(query: str, *, title: str = "", description: str = "", body: str = "") -> Highlights:
    """Return what is shown of an article with these texts."""
    text = ArticleContent("slug", title, description, body, (), NOON, NOON, UserId(1), "jake")
    return highlights(Query(query), text)


class TestWords:
    def test_a_word_says_where_it_stands(self) -> None:
        text = "Über-Café, naïve!"
        assert [(word.key, text[word.start : word.end]) for word in words(text)] == [
            ("uber", "Über"),
            ("cafe", "Café"),
            ("naive", "naïve"),
        ]

    def test_marks_of_other_scripts_are_parts_of_words(self) -> None:
        assert keys("हिन्दी ไทยนี้") == ["हिन्दी", "ไทยนี้"]

    def test_a_word_that_is_very_long_is_cut_off(self) -> None:
        assert keys("x" * 1000) == ["x" * 64]

    @pytest.mark.parametrize("text", ["", " \n\t", "!?*\"'():-", "🐉"])
    def test_there_are_none_where_none_are(self, text: str) -> None:
        assert keys(text) == []


class TestQuery:
    @pytest.mark.parametrize("text", ["", "   ", '"', "*", "-:()", "🐉", "\x00"])
    def test_one_without_a_word_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid, match="must have a word in it"):
            Query(text)

    def test_one_that_is_long_is_refused(self) -> None:
        assert Query("x" * 200).terms
        with pytest.raises(Invalid, match="too long"):
            Query("x" * 201)

    def test_one_of_many_words_is_refused(self) -> None:
        assert len(Query(" ".join(f"w{number}" for number in range(20))).terms) == 20
        with pytest.raises(Invalid, match="too many words"):
            Query(" ".join(f"w{number}" for number in range(21)))

    def test_a_word_counts_once(self) -> None:
        assert [term.key for term in Query("Fire fire FIRE water").terms] == ["fire", "water"]


class TestHighlights:
    def test_each_word_that_was_looked_for_is_marked_where_it_begins_too(self) -> None:
        found = shown("drag FIRE", title="Dragons and fire", description="A fireplace")
        assert found.title == "<mark>Dragons</mark> and <mark>fire</mark>"
        assert found.description == "A <mark>fireplace</mark>"

    def test_nothing_else_is_a_tag(self) -> None:
        found = shown(
            "script img", title="<script>alert(1)</script>", body="<img src=x onerror='a()'> &amp; <b>"
        )
        assert found.title == "&lt;<mark>script</mark>&gt;alert(1)&lt;/<mark>script</mark>&gt;"
        assert found.body == "&lt;<mark>img</mark> src=x onerror=&#x27;a()&#x27;&gt; &amp;amp; &lt;b&gt;"

    def test_a_mark_that_an_author_writes_is_text(self) -> None:
        assert shown("fire", title="<mark>x</mark>").title == "&lt;mark&gt;x&lt;/mark&gt;"

    def test_a_short_body_is_shown_whole_on_one_line(self) -> None:
        assert shown("fire", body="# Dragons\n\nThey breathe\r\nfire.").body == (
            "# Dragons They breathe <mark>fire</mark>."
        )

    def test_of_a_long_body_the_part_with_the_most_of_the_words_is_shown(self) -> None:
        filling = "lorem ipsum dolor sit amet " * 40
        found = shown("fire water", body=f"{filling} fire {filling} here fire and water {filling}")
        assert "here <mark>fire</mark> and <mark>water</mark>" in found.body
        assert (found.body[0], found.body[-1]) == ("…", "…")
        assert len(found.body) < 400

    def test_of_a_body_without_the_words_the_beginning_is_shown(self) -> None:
        found = shown("fire", title="Fire", body="First. " + "lorem ipsum " * 100)
        assert found.body.startswith("First. lorem")
        assert found.body.endswith("…")

    def test_a_body_without_spaces_is_cut_all_the_same(self) -> None:
        assert len(shown("fire", body="x" * 5_000).body) < 400

    def test_of_a_very_long_body_the_beginning_is_looked_at(self) -> None:
        assert "mark" not in shown("fire", body="x " * (MAX_SCANNED // 2) + "fire").body
