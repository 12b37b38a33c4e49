"""Words, queries and highlights, without a database."""

from datetime import UTC, datetime

import pytest

from conduit_search.domain.highlights import MAX_SCANNED, Highlights, highlights
from conduit_search.domain.query import Query
from conduit_search.domain.words import normalize, tokenize
from modules.articles.contracts import ArticleContent
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.identity import UserId

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def highlight(query: str, *, title: str = "", description: str = "", body: str = "") -> Highlights:
    """Return the highlights of an article with these texts."""
    content = ArticleContent("slug", title, description, body, (), NOON, NOON, UserId(1), "jake")
    return highlights(Query(query), content)


class TestWords:
    def test_word_has_its_position(self) -> None:
        text = "Über-Café, naïve!"
        assert [(word.key, text[word.start : word.end]) for word in tokenize(text)] == [
            ("uber", "Über"),
            ("cafe", "Café"),
            ("naive", "naïve"),
        ]

    def test_combining_marks_of_other_scripts_are_parts_of_words(self) -> None:
        assert normalize("हिन्दी ไทยนี้") == ["हिन्दी", "ไทยนี้"]

    def test_long_word_is_truncated(self) -> None:
        assert normalize("x" * 1000) == ["x" * 64]

    @pytest.mark.parametrize(
        ("text", "keys"),
        [
            ("dra\u00adgon", ["dragon"]),
            ("हिन्\u200dदी", ["हिन्दी"]),
            ("I ❤\ufe0f dragons", ["i", "dragons"]),
            ("👩\u200d🚒 fire", ["fire"]),
            ("dragon\ufe0f\U000e0101s", ["dragons"]),
            ("\u3164\u2800\ufeff", []),
        ],
    )
    def test_default_ignorable_characters_neither_split_words_nor_are_one(
        self, text: str, keys: list[str]
    ) -> None:
        assert normalize(text) == keys

    def test_word_begins_and_ends_with_a_character_that_counts(self) -> None:
        text = "☀\ufe0fdra\u00adgons\u200b!"
        assert [text[word.start : word.end] for word in tokenize(text)] == ["dra\u00adgons"]

    @pytest.mark.parametrize("text", ["", " \n\t", "!?*\"'():-", "🐉"])
    def test_text_without_letters_has_no_words(self, text: str) -> None:
        assert normalize(text) == []


class TestQuery:
    @pytest.mark.parametrize("text", ["", "   ", '"', "*", "-:()", "🐉", "❤\ufe0f"])
    def test_query_without_a_word_is_rejected(self, text: str) -> None:
        with pytest.raises(Invalid, match="must have a word in it"):
            Query(text)

    @pytest.mark.parametrize(
        ("text", "problem"), [("dra\0gon", r"U\+0000"), ("dra\ud800gon", "lone surrogates")]
    )
    def test_query_that_cannot_be_stored_is_rejected(self, text: str, problem: str) -> None:
        with pytest.raises(Invalid, match=problem):
            Query(text)

    def test_long_query_is_rejected(self) -> None:
        assert Query("x" * 200).terms
        with pytest.raises(Invalid, match="too long"):
            Query("x" * 201)

    def test_query_of_too_many_words_is_rejected(self) -> None:
        assert len(Query(" ".join(f"w{number}" for number in range(20))).terms) == 20
        with pytest.raises(Invalid, match="too many words"):
            Query(" ".join(f"w{number}" for number in range(21)))

    def test_repeated_word_is_one_term(self) -> None:
        assert [term.key for term in Query("Fire fire FIRE water").terms] == ["fire", "water"]


class TestHighlights:
    def test_matched_words_and_prefixes_are_marked(self) -> None:
        marked = highlight("drag FIRE", title="Dragons and fire", description="A fireplace")
        assert marked.title == "<mark>Dragons</mark> and <mark>fire</mark>"
        assert marked.description == "A <mark>fireplace</mark>"

    def test_other_tags_are_escaped(self) -> None:
        marked = highlight(
            "script img", title="<script>alert(1)</script>", body="<img src=x onerror='a()'> &amp; <b>"
        )
        assert marked.title == "&lt;<mark>script</mark>&gt;alert(1)&lt;/<mark>script</mark>&gt;"
        assert marked.body == "&lt;<mark>img</mark> src=x onerror=&#x27;a()&#x27;&gt; &amp;amp; &lt;b&gt;"

    def test_mark_tag_by_the_author_is_escaped(self) -> None:
        assert highlight("fire", title="<mark>x</mark>").title == "&lt;mark&gt;x&lt;/mark&gt;"

    def test_short_body_is_returned_whole_on_one_line(self) -> None:
        assert highlight("fire", body="# Dragons\n\nThey breathe\r\nfire.").body == (
            "# Dragons They breathe <mark>fire</mark>."
        )

    def test_excerpt_has_the_most_matched_words(self) -> None:
        filling = "lorem ipsum dolor sit amet " * 40
        marked = highlight("fire water", body=f"{filling} fire {filling} here fire and water {filling}")
        assert "here <mark>fire</mark> and <mark>water</mark>" in marked.body
        assert (marked.body[0], marked.body[-1]) == ("…", "…")
        assert len(marked.body) < 400

    def test_excerpt_of_a_body_without_matches_is_its_beginning(self) -> None:
        marked = highlight("fire", title="Fire", body="First. " + "lorem ipsum " * 100)
        assert marked.body.startswith("First. lorem")
        assert marked.body.endswith("…")

    def test_body_without_spaces_is_truncated(self) -> None:
        assert len(highlight("fire", body="x" * 5_000).body) < 400

    def test_only_the_beginning_of_a_long_body_is_scanned(self) -> None:
        assert "mark" not in highlight("fire", body="x " * (MAX_SCANNED // 2) + "fire").body
