"""The picture of the house: where boxes stand, and where lines lead."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from xml.etree import ElementTree

import pytest

from conduit_app.module_catalog import ModuleDescription
from conduit_devtools.architecture.drawing import MAX_BOXES_PER_ROW, draw

POINT = re.compile(r"(-?\d+\.\d) (-?\d+\.\d)")


@dataclass(frozen=True)
class Box:
    """A module's box: its edges, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


class Picture:
    """What is drawn of these cards."""

    def __init__(self, *cards: ModuleDescription) -> None:
        self.svg = ElementTree.fromstring(draw(cards))  # noqa: S314 - our own picture

    @property
    def boxes(self) -> Mapping[str, Box]:
        """The box of each module."""
        boxes = {}
        for link in self.svg.iter("a"):
            name = next(text.text or "" for text in link.iter("text") if text.get("class") == "name")
            rect = next(rect for rect in link.iter("rect") if rect.get("class") == "body")
            x, y, width, height = (float(rect.get(key, "")) for key in ("x", "y", "width", "height"))
            boxes[name] = Box(x, y, x + width, y + height)
        return boxes

    @property
    def told(self) -> Sequence[str]:
        """What each stretch of a line says of itself."""
        return [line.findtext("title", "") for line in self._lines]

    @property
    def dashed(self) -> Sequence[str]:
        """What the dashed ones say."""
        return [line.findtext("title", "") for line in self._lines if "hears" in line.get("class", "")]

    @property
    def arrows(self) -> int:
        """How many arrowheads there are."""
        return sum(path.get("class") == "arrow" for path in self.svg.iter("path"))

    @property
    def lanes(self) -> Sequence[tuple[float, float, float]]:
        """Where lines pass a row on their way: x, and the two ends of the straight part."""
        found = []
        for path in self.svg.iter("path"):
            curve, _, end = path.get("d", "").partition("V")
            if end:
                x, y = POINT.findall(curve)[-1]
                found.append((float(x), float(end), float(y)))
        return found

    @property
    def _lines(self) -> Sequence[ElementTree.Element]:
        return [group for group in self.svg.iter("g") if "line" in group.get("class", "").split()]


def card(
    name: str,
    needs: Mapping[str, str] | None = None,
    offers: Sequence[str] = (),
    publishes: Sequence[str] = (),
    handles: Mapping[str, str] | None = None,
) -> ModuleDescription:
    """Return a card on which only what is drawn matters."""
    return ModuleDescription(name, "1.0.0", "", needs or {}, offers, (), (), publishes, handles or {})


USERS = card("users", offers=["TokenVerifier", "UserDirectory"])
TOKENS = {"TokenVerifier": "users"}
ARTICLES = card("articles", TOKENS, ["ArticleReader"], ["ArticleDeleted", "ArticlePublished"])
TWELVE = (
    USERS,
    card("profiles", {"UserDirectory": "users"} | TOKENS, ["ProfileReader"]),
    ARTICLES,
    card(
        "comments",
        TOKENS | {"ProfileReader": "profiles"},
        [],
        ["CommentMade"],
        {"ArticleDeleted": "articles"},
    ),
    card("bookmarks", TOKENS | {"ArticleReader": "articles"}, handles={"ArticleDeleted": "articles"}),
    card("search", {"ArticleReader": "articles"}, handles={"ArticlePublished": "articles"}),
    card("mail", {"UserDirectory": "users"}, ["Sender"]),
    card("notifications", TOKENS | {"Sender": "mail"}, handles={"CommentMade": "comments"}),
    card("statistics", TOKENS, handles={"CommentMade": "comments", "ArticlePublished": "articles"}),
    card("notes", TOKENS),
    card("webhooks", TOKENS, handles={"ArticlePublished": "articles"}),
    card("drafts", TOKENS | {"ArticleReader": "articles"}),
)


class TestBoxes:
    def test_a_module_stands_above_those_that_it_needs(self) -> None:
        boxes = Picture(ARTICLES, USERS).boxes
        assert boxes["articles"].bottom < boxes["users"].top

    def test_a_module_stands_above_one_whose_event_it_hears(self) -> None:
        boxes = Picture(card("log", handles={"ArticleDeleted": "articles"}), ARTICLES, USERS).boxes
        assert boxes["log"].bottom < boxes["articles"].top

    def test_a_module_on_its_own_is_drawn(self) -> None:
        picture = Picture(card("notes"))
        assert list(picture.boxes) == ["notes"]
        assert picture.svg.findtext("desc") == "No module needs another."

    @pytest.mark.parametrize("count", range(4, 13))
    def test_no_box_covers_another(self, count: int) -> None:
        boxes = Picture(*TWELVE[:count]).boxes
        assert len(boxes) == count
        for one, other in combinations(boxes.values(), 2):
            beside = one.right < other.left or other.right < one.left
            assert beside or one.bottom < other.top or other.bottom < one.top

    def test_many_modules_on_one_level_take_several_rows(self) -> None:
        boxes = Picture(USERS, *(card(f"plugin{number}", TOKENS) for number in range(9))).boxes
        tops = [box.top for box in boxes.values()]
        assert max(tops.count(top) for top in tops) <= MAX_BOXES_PER_ROW

    def test_a_long_name_stays_in_its_box(self) -> None:
        boxes = Picture(card("recommendations_of_articles"), card("a")).boxes
        long = boxes["recommendations_of_articles"]
        assert long.right - long.left > 27 * 9.7


class TestLines:
    def test_every_need_and_every_event_that_is_heard_has_its_line(self) -> None:
        picture = Picture(*TWELVE)
        told = {sentence for line in picture.told for sentence in line.split(", ")}
        assert told == {
            *(
                f"{card.name} needs {name} of {source}"
                for card in TWELVE
                for name, source in card.needs.items()
            ),
            *(
                f"{card.name} hears {name} of {source}"
                for card in TWELVE
                for name, source in card.handles.items()
            ),
        }

    def test_only_events_are_dashed(self) -> None:
        hearing = card("log", TOKENS, handles={"ArticleDeleted": "articles"})
        picture = Picture(hearing, ARTICLES, USERS)
        assert set(picture.dashed) == {"log hears ArticleDeleted of articles"}

    def test_lines_to_one_contract_pass_a_row_as_one(self) -> None:
        above = [card(f"plugin{number}", TOKENS | {"ArticleReader": "articles"}) for number in range(3)]
        assert len(Picture(*above, ARTICLES, USERS).lanes) == len(Picture(above[0], ARTICLES, USERS).lanes)

    def test_no_line_passes_through_a_box(self) -> None:
        picture = Picture(*TWELVE)
        assert picture.lanes
        for x, top, bottom in picture.lanes:
            for box in picture.boxes.values():
                apart = x < box.left or box.right < x or bottom < box.top or box.bottom < top
                assert apart

    def test_a_contract_that_nobody_needs_is_on_the_box_without_a_line(self) -> None:
        picture = Picture(USERS)
        assert "UserDirectory" in [text.text for text in picture.svg.iter("text")]
        assert picture.told == []
        assert picture.arrows == 0

    def test_the_arrow_of_a_need_ends_at_the_contract_and_that_of_an_event_at_the_hearer(self) -> None:
        hearing = card("log", {"ArticleReader": "articles"}, handles={"ArticleDeleted": "articles"})
        picture = Picture(hearing, ARTICLES, USERS)
        ends = {
            line.findtext("title"): float(POINT.findall(arrow.get("d", ""))[0][1])
            for line in picture.svg.iter("g")
            if (arrow := line.find("path[@class='arrow']")) is not None
        }
        assert ends["log hears ArticleDeleted of articles"] == picture.boxes["log"].bottom
        assert picture.boxes["log"].bottom < ends["log needs ArticleReader of articles"]
        assert ends["log needs ArticleReader of articles"] < picture.boxes["articles"].top

    def test_a_module_that_hears_itself_or_the_kernel_gets_no_line_for_that(self) -> None:
        own = card("notes", publishes=["NoteTaken"], handles={"NoteTaken": "notes", "Started": "kernel"})
        assert Picture(own).told == []

    def test_modules_that_hear_each_other_in_a_circle_are_drawn_by_their_needs(self) -> None:
        talking = card("articles", TOKENS, publishes=["ArticleDeleted"], handles={"UserBanned": "users"})
        hearing = card(
            "users",
            offers=["TokenVerifier"],
            publishes=["UserBanned"],
            handles={"ArticleDeleted": "articles"},
        )
        picture = Picture(talking, hearing)
        assert set(picture.told) == {
            "articles needs TokenVerifier of users",
            "articles hears UserBanned of users",
        }
