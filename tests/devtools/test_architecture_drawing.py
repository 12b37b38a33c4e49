"""The architecture diagram: positions of boxes, and edges between them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from xml.etree import ElementTree

import pytest

from conduit_app.module_catalog import ModuleDescription, mermaid
from conduit_devtools.architecture.drawing import MAX_BOXES_PER_ROW, draw
from conduit_devtools.architecture.mermaid import diagram

POINT = re.compile(r"(-?\d+\.\d) (-?\d+\.\d)")


@dataclass(frozen=True)
class Box:
    """The sides of a module's box, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


class Diagram:
    """The diagram of some modules."""

    def __init__(self, *modules: ModuleDescription) -> None:
        self.svg = ElementTree.fromstring(draw(modules))  # noqa: S314 - our own SVG

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
    def edges(self) -> Sequence[str]:
        """The description of each segment of an edge."""
        return [edge.findtext("title", "") for edge in self._edges]

    @property
    def dashed(self) -> Sequence[str]:
        """The descriptions of the dashed segments."""
        return [edge.findtext("title", "") for edge in self._edges if "handles" in edge.get("class", "")]

    @property
    def arrows(self) -> int:
        """The number of arrowheads."""
        return sum(path.get("class") == "arrow" for path in self.svg.iter("path"))

    @property
    def lanes(self) -> Sequence[tuple[float, float, float]]:
        """The straight parts of edges that pass a row: x, top and bottom."""
        lanes = []
        for path in self.svg.iter("path"):
            curve, _, end = path.get("d", "").partition("V")
            if end:
                x, y = POINT.findall(curve)[-1]
                lanes.append((float(x), float(end), float(y)))
        return lanes

    @property
    def _edges(self) -> Sequence[ElementTree.Element]:
        return [group for group in self.svg.iter("g") if "line" in group.get("class", "").split()]


def describe(
    name: str,
    needs: Mapping[str, str] | None = None,
    offers: Sequence[str] = (),
    publishes: Sequence[str] = (),
    handles: Mapping[str, str] | None = None,
) -> ModuleDescription:
    """Return a module with the fields that the diagram shows."""
    return ModuleDescription(name, "1.0.0", "", needs or {}, offers, (), (), publishes, handles or {})


USERS = describe("users", offers=["TokenVerifier", "UserDirectory"])
TOKENS = {"TokenVerifier": "users"}
ARTICLES = describe("articles", TOKENS, ["ArticleReader"], ["ArticlesDeleted", "ArticlePublished"])
TWELVE = (
    USERS,
    describe("profiles", {"UserDirectory": "users"} | TOKENS, ["ProfileReader"]),
    ARTICLES,
    describe(
        "comments",
        TOKENS | {"ProfileReader": "profiles"},
        [],
        ["CommentMade"],
        {"ArticlesDeleted": "articles"},
    ),
    describe("bookmarks", TOKENS | {"ArticleReader": "articles"}, handles={"ArticlesDeleted": "articles"}),
    describe("search", {"ArticleReader": "articles"}, handles={"ArticlePublished": "articles"}),
    describe("mail", {"UserDirectory": "users"}, ["Sender"]),
    describe("notifications", TOKENS | {"Sender": "mail"}, handles={"CommentMade": "comments"}),
    describe("statistics", TOKENS, handles={"CommentMade": "comments", "ArticlePublished": "articles"}),
    describe("notes", TOKENS),
    describe("webhooks", TOKENS, handles={"ArticlePublished": "articles"}),
    describe("drafts", TOKENS | {"ArticleReader": "articles"}),
)


class TestBoxes:
    def test_module_is_above_the_providers_of_its_contracts(self) -> None:
        boxes = Diagram(ARTICLES, USERS).boxes
        assert boxes["articles"].bottom < boxes["users"].top

    def test_module_is_above_the_publishers_of_its_events(self) -> None:
        boxes = Diagram(describe("log", handles={"ArticlesDeleted": "articles"}), ARTICLES, USERS).boxes
        assert boxes["log"].bottom < boxes["articles"].top

    def test_single_module(self) -> None:
        diagram = Diagram(describe("notes"))
        assert list(diagram.boxes) == ["notes"]
        assert diagram.svg.findtext("desc") == "No module depends on another."

    @pytest.mark.parametrize("count", range(4, 13))
    def test_boxes_do_not_overlap(self, count: int) -> None:
        boxes = Diagram(*TWELVE[:count]).boxes
        assert len(boxes) == count
        for one, other in combinations(boxes.values(), 2):
            separate = one.right < other.left or other.right < one.left
            assert separate or one.bottom < other.top or other.bottom < one.top

    def test_many_modules_on_one_level_are_in_several_rows(self) -> None:
        boxes = Diagram(USERS, *(describe(f"plugin{number}", TOKENS) for number in range(9))).boxes
        tops = [box.top for box in boxes.values()]
        assert max(tops.count(top) for top in tops) <= MAX_BOXES_PER_ROW

    def test_box_is_wider_than_a_long_name(self) -> None:
        boxes = Diagram(describe("recommendations_of_articles"), describe("a")).boxes
        long = boxes["recommendations_of_articles"]
        assert long.right - long.left > 27 * 9.7


class TestEdges:
    def test_every_need_and_every_handled_event_has_an_edge(self) -> None:
        diagram = Diagram(*TWELVE)
        described = {phrase for edge in diagram.edges for phrase in edge.split(", ")}
        assert described == {
            *(
                f"{module.name} needs {name} of {provider}"
                for module in TWELVE
                for name, provider in module.needs.items()
            ),
            *(
                f"{module.name} handles {name} of {publisher}"
                for module in TWELVE
                for name, publisher in module.handles.items()
            ),
        }

    def test_only_events_are_dashed(self) -> None:
        log = describe("log", TOKENS, handles={"ArticlesDeleted": "articles"})
        diagram = Diagram(log, ARTICLES, USERS)
        assert set(diagram.dashed) == {"log handles ArticlesDeleted of articles"}

    def test_edges_to_one_contract_share_a_lane(self) -> None:
        plugins = [describe(f"plugin{number}", TOKENS | {"ArticleReader": "articles"}) for number in range(3)]
        assert len(Diagram(*plugins, ARTICLES, USERS).lanes) == len(
            Diagram(plugins[0], ARTICLES, USERS).lanes
        )

    def test_lanes_do_not_cross_boxes(self) -> None:
        diagram = Diagram(*TWELVE)
        assert diagram.lanes
        for x, top, bottom in diagram.lanes:
            for box in diagram.boxes.values():
                assert x < box.left or box.right < x or bottom < box.top or box.bottom < top

    def test_unused_contract_has_a_tab_and_no_edge(self) -> None:
        diagram = Diagram(USERS)
        assert "UserDirectory" in [text.text for text in diagram.svg.iter("text")]
        assert diagram.edges == []
        assert diagram.arrows == 0

    def test_arrowhead_is_at_the_contract_or_at_the_handler(self) -> None:
        log = describe("log", {"ArticleReader": "articles"}, handles={"ArticlesDeleted": "articles"})
        diagram = Diagram(log, ARTICLES, USERS)
        ends = {
            edge.findtext("title"): float(POINT.findall(arrow.get("d", ""))[0][1])
            for edge in diagram.svg.iter("g")
            if (arrow := edge.find("path[@class='arrow']")) is not None
        }
        assert ends["log handles ArticlesDeleted of articles"] == diagram.boxes["log"].bottom
        assert diagram.boxes["log"].bottom < ends["log needs ArticleReader of articles"]
        assert ends["log needs ArticleReader of articles"] < diagram.boxes["articles"].top

    def test_own_events_and_kernel_events_have_no_edge(self) -> None:
        notes = describe(
            "notes", publishes=["NoteTaken"], handles={"NoteTaken": "notes", "Started": "kernel"}
        )
        assert Diagram(notes).edges == []

    def test_event_cycle_is_laid_out_by_needs(self) -> None:
        articles = describe(
            "articles", TOKENS, publishes=["ArticlesDeleted"], handles={"UserBanned": "users"}
        )
        users = describe(
            "users",
            offers=["TokenVerifier"],
            publishes=["UserBanned"],
            handles={"ArticlesDeleted": "articles"},
        )
        diagram = Diagram(articles, users)
        assert set(diagram.edges) == {
            "articles needs TokenVerifier of users",
            "articles handles UserBanned of users",
        }


class TestMermaid:
    def test_graph_has_the_boxes_and_edges_of_its_modules(self) -> None:
        drawn = diagram(mermaid(TWELVE))
        assert drawn is not None
        boxes = re.findall(r'<a class="box [^"]*" href="#(\w+)">', drawn[0])
        assert sorted(boxes) == sorted(module.name for module in TWELVE)
        [described] = re.findall("<desc[^>]*>(.*)</desc>", drawn[0])
        expected = Diagram(*TWELVE).svg.findtext("desc", "")
        assert set(re.findall(r"\w[\w ]+", described)) == set(re.findall(r"\w[\w ]+", expected))
        assert all(f".hue{number} " in drawn[1] for number in range(len(TWELVE)))

    @pytest.mark.parametrize("graph", ["graph BT", "graph TD\n    a --> b\n", "sequenceDiagram\n    a\n"])
    def test_other_graphs_are_not_drawn(self, graph: str) -> None:
        assert diagram(graph) is None
