"""The architecture diagram: a layered graph with a box per module, dependencies below dependents.

The contracts and events of a module are tabs on its box; edges lead from its consumers to the tab.
Edges to one tab are merged where they pass rows of other boxes, so the size of the diagram depends on
the number of contracts, not on the number of their consumers.
"""

import graphlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from html import escape
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

from conduit_app.module_catalog import ModuleDescription

# Sizes are in pixels. Labels have a monospaced font, so that their widths can be computed.
NAME_ADVANCE, TAB_ADVANCE = 9.7, 7.3
BOX_HEIGHT, TAB_HEIGHT, LANE_WIDTH = 54, 24, 6
MIN_BOX_WIDTH, PADDING, TAB_GAP, SOURCE_GAP = 140, 14, 8, 24
MIN_ROW_GAP, ROW_GAP_PER_SEGMENT, BOX_GAP, LANE_GAP, MARGIN = 60, 3, 36, 16, 12
ARROW_LENGTH, ARROW_WIDTH = 8, 4
MAX_BOXES_PER_ROW = 4
LAYOUT_ITERATIONS = 30

STYLE = Path(__file__).with_name("diagram.css")
GOLDEN_ANGLE = 137.508
"""Degrees between consecutive hues: adjacent modules have distinct colors, however many there are."""


class Kind(Enum):
    """The kind of an edge: a module needs a contract, or handles an event."""

    CONTRACT = "needs"
    EVENT = "handles"


@dataclass(frozen=True, slots=True)
class Edge:
    """A contract or event of a module, and the modules that need or handle it."""

    kind: Kind
    provider: str
    name: str
    consumers: frozenset[str] = frozenset()

    def describe(self, consumers: Iterable[str]) -> str:
        """Return a phrase for each of the consumers: "comments needs ArticleDirectory of articles"."""
        return ", ".join(
            f"{consumer} {self.kind.value} {self.name} of {self.provider}" for consumer in sorted(consumers)
        )


@dataclass(slots=True, eq=False)
class _Node:
    """A node in a row: a module's box, or a lane, where an edge passes between boxes."""

    row: int
    width: float
    module: ModuleDescription | None = None
    x: float = 0.0
    """The center."""

    neighbors: list["_Node"] = field(default_factory=list)

    @property
    def barycenter(self) -> float:
        """The mean position of the neighbors: the preferred position."""
        if not self.neighbors:
            return self.x
        return math.fsum(node.x for node in self.neighbors) / len(self.neighbors)


@dataclass(frozen=True, slots=True)
class _Segment:
    """The part of an edge between two adjacent rows, and the consumers it leads to."""

    edge: Edge
    lower: _Node
    upper: _Node
    consumers: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Layout:
    modules: Sequence[ModuleDescription]
    edges: Sequence[Edge]
    rows: Sequence[Sequence[_Node]]
    segments: Sequence[_Segment]

    tops: Sequence[float]
    """The top of the boxes in each row, below their tabs."""

    def top(self, node: _Node) -> float:
        """Return the top of the node's box, below its tabs."""
        return self.tops[node.row]


def anchor(module: str) -> str:
    """Return the id of the module's canvas on the page."""
    return f"module-{module}"


def pluralize(items: Sequence[object], noun: str) -> str:
    """Return the number of items with the noun: "1 route", "2 routes"."""
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def diagram_style(modules: Sequence[ModuleDescription]) -> str:
    """Return the style of the diagram of these modules."""
    rules = [STYLE.read_text(encoding="utf-8")]
    for number, _ in enumerate(modules):
        rules.append(f".hue{number} {{ --hue: {number * GOLDEN_ANGLE % 360:.0f}; }}")
        # A hovered or focused module fades the edges of other modules.
        active = f"svg:has(a.m{number}:is(:hover, :focus-visible))"
        rules.append(f"{active} .line:not(.m{number}) {{ opacity: 0.1; }}")
    return "\n".join(rules)


def picture(modules: Sequence[ModuleDescription], link_to: Callable[[str], str] = anchor) -> str:
    """Return the diagram in an element that scrolls; in a narrow window it shows the middle first."""
    drawing = draw(modules, link_to) if modules else "<p>No module is enabled.</p>"
    return (
        '<div class="picture" tabindex="0" role="region" aria-label="Diagram of the modules">\n'
        f'<div class="drawing">{drawing}<i class="middle" aria-hidden="true"></i></div>\n</div>\n'
    )


def draw(modules: Sequence[ModuleDescription], link_to: Callable[[str], str] = anchor) -> str:
    """Return the diagram as an SVG element. Each box links to the id that `link_to` returns."""
    layout = _layout(modules)
    nodes = [node for row in layout.rows for node in row]
    left = min(node.x - node.width / 2 for node in nodes) - MARGIN
    width = max(node.x + node.width / 2 for node in nodes) + MARGIN - left
    height = max(layout.top(node) for node in nodes) + BOX_HEIGHT + MARGIN
    description = ". ".join(edge.describe(edge.consumers) for edge in layout.edges if edge.consumers)
    return "\n".join(
        [
            f'<svg viewBox="{left:.0f} 0 {width:.0f} {height:.0f}"',
            f' width="{width:.0f}" height="{height:.0f}" role="group" aria-labelledby="diagram-title"',
            ' aria-describedby="diagram-description">',
            '<title id="diagram-title">Modules and their dependencies</title>',
            f'<desc id="diagram-description">{escape(description or "No module depends on another")}.</desc>',
            '<g aria-hidden="true">',
            *_draw_edges(layout),
            "</g>",
            *_boxes(layout, link_to),
            "</svg>",
        ]
    )


# Layout.


def _layout(modules: Sequence[ModuleDescription]) -> _Layout:
    edges = _edges(modules)
    rows = _rows(modules, edges)
    # Edges lead upwards only. A module that handles its own event, or one of a module above it, has
    # no edge for that; the canvases list all events.
    edges = [
        replace(
            edge, consumers=frozenset(name for name in edge.consumers if rows[name] > rows[edge.provider])
        )
        for edge in edges
    ]
    boxes = {module.name: _Node(rows[module.name], _box_width(module, edges), module) for module in modules}
    segments = [segment for edge in edges for segment in _segments(edge, boxes)]
    for segment in segments:
        segment.lower.neighbors.append(segment.upper)
        segment.upper.neighbors.append(segment.lower)
    lanes = [segment.upper for segment in segments if segment.upper.module is None]
    nodes: list[list[_Node]] = [[] for _ in range(max(rows.values()) + 1)]
    for node in (*boxes.values(), *lanes):
        nodes[node.row].append(node)
    _place(nodes)
    return _Layout(modules, edges, nodes, segments, _tops(nodes, segments))


def _edges(modules: Sequence[ModuleDescription]) -> Sequence[Edge]:
    consumers: dict[tuple[Kind, str, str], set[str]] = {
        **{(Kind.CONTRACT, module.name, name): set() for module in modules for name in module.offers},
        **{(Kind.EVENT, module.name, name): set() for module in modules for name in module.publishes},
    }
    for module in modules:
        for kind, consumed in ((Kind.CONTRACT, module.needs), (Kind.EVENT, module.handles)):
            for name, provider in consumed.items():
                # The kernel has no box: its events are skipped.
                consumers.get((kind, provider, name), set()).add(module.name)
    return [Edge(*key, frozenset(names)) for key, names in consumers.items()]


def _rows(modules: Sequence[ModuleDescription], edges: Sequence[Edge]) -> Mapping[str, int]:
    """Return the row of each module, from the bottom: above the providers of its contracts and events."""
    below = {
        module.name: {edge.provider for edge in edges if module.name in edge.consumers} for module in modules
    }
    try:
        order = list(graphlib.TopologicalSorter(below).static_order())
    except graphlib.CycleError:
        # Events may form a cycle; needs cannot, because composition rejects that.
        below = {module.name: set(module.needs.values()) for module in modules}
        order = list(graphlib.TopologicalSorter(below).static_order())
    level: dict[str, int] = {}
    for name in order:
        level[name] = 1 + max((level[other] for other in below[name]), default=-1)
    rows: dict[str, int] = {}
    first = 0
    for number in range(max(level.values()) + 1):
        names = [module.name for module in modules if level[module.name] == number]
        row_count = math.ceil(len(names) / MAX_BOXES_PER_ROW)
        rows |= {name: first + index * row_count // len(names) for index, name in enumerate(names)}
        first += row_count
    return rows


def _segments(edge: Edge, boxes: Mapping[str, _Node]) -> Iterator[_Segment]:
    lower, remaining = boxes[edge.provider], edge.consumers
    while remaining:
        row = lower.row + 1
        reached = {name for name in remaining if boxes[name].row == row}
        yield from (_Segment(edge, lower, boxes[name], frozenset({name})) for name in sorted(reached))
        remaining -= reached
        if remaining:
            lane = _Node(row, LANE_WIDTH)
            yield _Segment(edge, lower, lane, remaining)
            lower = lane


def _place(rows: Sequence[list[_Node]]) -> None:
    """Shorten the edges: sort each row by barycenter repeatedly, and move its nodes there."""
    for row in rows:
        for left, right in pairwise(row):
            right.x = left.x + _distance(left, right)
        center = (row[0].x + row[-1].x) / 2
        for node in row:
            node.x -= center
    for _ in range(LAYOUT_ITERATIONS):
        for row in (*rows, *reversed(rows)):
            row.sort(key=lambda node: node.barycenter)
            _spread(row)


def _spread(row: Sequence[_Node]) -> None:
    """Move each node to its barycenter, or as near as the distances allow."""
    preferred = [node.barycenter for node in row]
    rightwards, leftwards = [preferred[0]], [preferred[-1]]
    for (left, right), x in zip(pairwise(row), preferred[1:], strict=True):
        rightwards.append(max(x, rightwards[-1] + _distance(left, right)))
    for (right, left), x in zip(pairwise(reversed(row)), preferred[-2::-1], strict=True):
        leftwards.append(min(x, leftwards[-1] - _distance(left, right)))
    # Both respect the distances, and so does their mean, which is biased to neither side.
    for node, rightward, leftward in zip(row, rightwards, reversed(leftwards), strict=True):
        node.x = (rightward + leftward) / 2


def _tops(rows: Sequence[Sequence[_Node]], segments: Sequence[_Segment]) -> Sequence[float]:
    """Return the top of the boxes in each row: more edges between two rows make a larger gap."""
    tops = [float(MARGIN + TAB_HEIGHT)]
    for row in range(len(rows) - 2, -1, -1):
        crossing = sum(segment.lower.row == row for segment in segments)
        tops.append(tops[-1] + BOX_HEIGHT + MIN_ROW_GAP + ROW_GAP_PER_SEGMENT * crossing + TAB_HEIGHT)
    return tops[::-1]


def _distance(left: _Node, right: _Node) -> float:
    gap = BOX_GAP if left.module and right.module else LANE_GAP
    return (left.width + right.width) / 2 + gap


def _box_width(module: ModuleDescription, edges: Sequence[Edge]) -> float:
    tabs = [_tab_width(edge) + TAB_GAP for edge in edges if edge.provider == module.name]
    return max(MIN_BOX_WIDTH, len(module.name) * NAME_ADVANCE + 2 * PADDING, sum(tabs) + PADDING)


def _tab_width(edge: Edge) -> float:
    return len(edge.name) * TAB_ADVANCE + PADDING


def _tabs(layout: _Layout) -> Mapping[Edge, float]:
    """Return the center of each tab. Tabs are sorted by the positions above, to reduce edge crossings."""
    above: defaultdict[Edge, list[float]] = defaultdict(list)
    for segment in layout.segments:
        if segment.lower.module is not None:
            above[segment.edge].append(segment.upper.x)
    centers = {}
    for node in (node for row in layout.rows for node in row if node.module is not None):
        tabs = [edge for edge in layout.edges if node.module and edge.provider == node.module.name]
        tabs.sort(key=lambda edge: sum(above[edge]) / max(1, len(above[edge])))
        x = node.x - (sum(_tab_width(tab) for tab in tabs) + TAB_GAP * (len(tabs) - 1)) / 2
        for tab in tabs:
            centers[tab] = x + _tab_width(tab) / 2
            x += _tab_width(tab) + TAB_GAP
    return centers


def _sources(layout: _Layout, tabs: Mapping[Edge, float]) -> Mapping[_Segment, float]:
    """Return where each segment starts at its upper node."""
    sources = {}
    by_node: defaultdict[_Node, list[_Segment]] = defaultdict(list)
    for segment in layout.segments:
        by_node[segment.upper].append(segment)
    for node, segments in by_node.items():
        segments.sort(key=lambda segment: _target(segment, tabs))
        gap = min(SOURCE_GAP, (node.width - 2 * PADDING) / len(segments))
        for index, segment in enumerate(segments):
            sources[segment] = node.x + (index - (len(segments) - 1) / 2) * gap
    return sources


def _target(segment: _Segment, tabs: Mapping[Edge, float]) -> float:
    """Return where a segment ends at its lower node."""
    return tabs[segment.edge] if segment.lower.module is not None else segment.lower.x


# Drawing.


def _draw_edges(layout: _Layout) -> Iterator[str]:
    numbers = {module.name: number for number, module in enumerate(layout.modules)}
    tabs = _tabs(layout)
    sources = _sources(layout, tabs)
    for segment in layout.segments:
        edge = segment.edge
        ends = " ".join(f"m{numbers[name]}" for name in (edge.provider, *sorted(segment.consumers)))
        yield (
            f'<g class="line {edge.kind.value} hue{numbers[edge.provider]} {ends}">'
            f"<title>{escape(edge.describe(segment.consumers))}</title>"
            f"{_path(layout, segment, sources[segment], _target(segment, tabs))}</g>"
        )


def _path(layout: _Layout, segment: _Segment, source: float, target: float) -> str:
    from_y = layout.top(segment.upper) + BOX_HEIGHT
    to_y = layout.top(segment.lower) - TAB_HEIGHT
    arrow = ""
    if segment.edge.kind is Kind.CONTRACT and segment.lower.module is not None:
        arrow = _arrow(target, to_y, -ARROW_LENGTH)
        to_y -= ARROW_LENGTH
    if segment.edge.kind is Kind.EVENT and segment.upper.module is not None:
        arrow = _arrow(source, from_y, ARROW_LENGTH)
        from_y += ARROW_LENGTH
    middle = (from_y + to_y) / 2
    controls = f"{target:.1f} {middle:.1f} {source:.1f} {middle:.1f}"
    # A lane is a straight line through its row, up to the start of the next segment.
    lane = f"V{layout.top(segment.upper) - TAB_HEIGHT:.1f}" if segment.upper.module is None else ""
    path = f"M{target:.1f} {to_y:.1f}C{controls} {source:.1f} {from_y:.1f}{lane}"
    return f'<path class="reach" d="{path}"/><path d="{path}"/>{arrow}'


def _arrow(x: float, y: float, length: float) -> str:
    """Return an arrowhead with its tip at the point; a negative length points down."""
    left, right = x - ARROW_WIDTH, x + ARROW_WIDTH
    return f'<path class="arrow" d="M{x:.1f} {y:.1f}L{left:.1f} {y + length:.1f}H{right:.1f}Z"/>'


def _boxes(layout: _Layout, link_to: Callable[[str], str]) -> Iterator[str]:
    tabs = _tabs(layout)
    nodes = {node.module.name: node for row in layout.rows for node in row if node.module is not None}
    # In the order of reading, from the top: a screen reader follows it.
    for number, module in reversed(list(enumerate(layout.modules))):
        node = nodes[module.name]
        own = [edge for edge in layout.edges if edge.provider == module.name]
        yield f'<a class="box hue{number} m{number}" href="#{quote(link_to(module.name))}">'
        yield from (_tab(edge, tabs[edge], layout.top(node)) for edge in own)
        yield _box(module, node, layout.top(node))
        yield "</a>"


def _tab(edge: Edge, center: float, box_top: float) -> str:
    width, top = _tab_width(edge), box_top - TAB_HEIGHT
    # The box covers the lower end.
    return (
        f'<rect class="tab {edge.kind.value}" x="{center - width / 2:.1f}" y="{top:.1f}"'
        f' width="{width:.1f}" height="{TAB_HEIGHT + PADDING}" rx="6"/>'
        f'<text class="tab" x="{center:.1f}" y="{top + TAB_HEIGHT / 2 + 4:.1f}">{escape(edge.name)}</text>'
    )


def _box(module: ModuleDescription, node: _Node, top: float) -> str:
    size = f"{pluralize(module.routes, 'route')}, {pluralize(module.tables, 'table')}"
    # The graph in the guides does not say how many there are.
    is_sized = bool(module.routes or module.tables)
    name_y = top + (24 if is_sized else 32)
    return (
        f'<rect class="body" x="{node.x - node.width / 2:.1f}" y="{top:.1f}"'
        f' width="{node.width:.1f}" height="{BOX_HEIGHT}" rx="8"/>'
        f'<text class="name" x="{node.x:.1f}" y="{name_y:.1f}">{escape(module.name)}</text>'
        + (f'<text class="size" x="{node.x:.1f}" y="{top + 42:.1f}">{size}</text>' if is_sized else "")
    )
