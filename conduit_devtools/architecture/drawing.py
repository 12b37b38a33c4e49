"""The picture of the house: a box per module, those that others need below, and lines between them.

What a module offers and publishes sits as a tab on its box, and a line leads to the tab from
everybody who needs or hears it. Lines to one tab are one line where they pass other boxes on their
way, so the picture grows with the number of contracts and not with that of their users.
"""

import graphlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from html import escape
from itertools import pairwise
from urllib.parse import quote

from conduit_app.module_catalog import ModuleDescription

# Sizes are in pixels. Labels are set in a monospaced face: their widths are known without measuring.
NAME_ADVANCE, TAB_ADVANCE = 9.7, 7.3
BOX_HEIGHT, TAB_HEIGHT, LANE_WIDTH = 54, 24, 6
MIN_BOX_WIDTH, PADDING, TAB_GAP, FEET_GAP = 140, 14, 8, 24
MIN_ROW_GAP, ROOM_PER_STRETCH, BOX_GAP, LANE_GAP, MARGIN = 60, 3, 36, 16, 12
ARROW_LENGTH, ARROW_WIDTH = 8, 4
MAX_BOXES_PER_ROW = 4
ROUNDS = 30


class Kind(Enum):
    """Why there is a line: somebody needs a contract, or hears an event."""

    CONTRACT = "needs"
    EVENT = "hears"


@dataclass(frozen=True, slots=True)
class Line:
    """Something that a module offers or publishes, and the modules that need or hear it."""

    kind: Kind
    source: str
    name: str
    users: frozenset[str] = frozenset()

    def told(self, users: Iterable[str]) -> str:
        """Return in words what the line says of these users."""
        return ", ".join(f"{user} {self.kind.value} {self.name} of {self.source}" for user in sorted(users))


@dataclass(slots=True, eq=False)
class _Node:
    """A place in a row: a module's box, or the lane of a line that passes between boxes."""

    row: int
    width: float
    module: ModuleDescription | None = None
    x: float = 0.0
    """Its middle."""

    neighbours: list["_Node"] = field(default_factory=list)

    @property
    def wanted(self) -> float:
        """Where it would stand if it were alone in its row: in the middle of what it is joined to."""
        if not self.neighbours:
            return self.x
        return math.fsum(node.x for node in self.neighbours) / len(self.neighbours)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The part of a line from one row to the next, and whose it is."""

    line: Line
    lower: _Node
    upper: _Node
    users: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Layout:
    modules: Sequence[ModuleDescription]
    lines: Sequence[Line]
    rows: Sequence[Sequence[_Node]]
    stretches: Sequence[_Stretch]

    tops: Sequence[float]
    """Where the boxes of each row begin, below their tabs."""

    def top(self, node: _Node) -> float:
        """Return where the node's box begins, below its tabs."""
        return self.tops[node.row]


def anchor(module: str) -> str:
    """Return the id of the module's canvas on the page."""
    return f"module-{module}"


def counted(things: Sequence[object], name: str) -> str:
    """Return how many things there are, in words: "1 route", "2 routes"."""
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def draw(modules: Sequence[ModuleDescription]) -> str:
    """Return the modules as an SVG element. A click on a box leads to the module's canvas."""
    layout = _layout(modules)
    nodes = [node for row in layout.rows for node in row]
    left = min(node.x - node.width / 2 for node in nodes) - MARGIN
    width = max(node.x + node.width / 2 for node in nodes) + MARGIN - left
    height = max(layout.top(node) for node in nodes) + BOX_HEIGHT + MARGIN
    told = ". ".join(line.told(line.users) for line in layout.lines if line.users)
    return "\n".join(
        [
            f'<svg viewBox="{left:.0f} 0 {width:.0f} {height:.0f}"',
            f' width="{width:.0f}" height="{height:.0f}" role="group" aria-labelledby="picture-title"',
            ' aria-describedby="picture-told">',
            '<title id="picture-title">The modules and what they need of each other</title>',
            f'<desc id="picture-told">{escape(told or "No module needs another")}.</desc>',
            '<g aria-hidden="true">',
            *_drawn_lines(layout),
            "</g>",
            *_boxes(layout),
            "</svg>",
        ]
    )


# Where everything stands.


def _layout(modules: Sequence[ModuleDescription]) -> _Layout:
    lines = _lines(modules)
    rows = _rows(modules, lines)
    # Against the direction of the rows nothing is drawn: a module that hears its own event, or one
    # that hears an event of a module that needs it. The canvases tell of those.
    lines = [
        replace(line, users=frozenset(user for user in line.users if rows[user] > rows[line.source]))
        for line in lines
    ]
    boxes = {module.name: _Node(rows[module.name], _box_width(module, lines), module) for module in modules}
    stretches = [stretch for line in lines for stretch in _stretches(line, boxes)]
    for stretch in stretches:
        stretch.lower.neighbours.append(stretch.upper)
        stretch.upper.neighbours.append(stretch.lower)
    lanes = [stretch.upper for stretch in stretches if stretch.upper.module is None]
    nodes: list[list[_Node]] = [[] for _ in range(max(rows.values()) + 1)]
    for node in (*boxes.values(), *lanes):
        nodes[node.row].append(node)
    _place(nodes)
    return _Layout(modules, lines, nodes, stretches, _tops(nodes, stretches))


def _lines(modules: Sequence[ModuleDescription]) -> Sequence[Line]:
    users: dict[tuple[Kind, str, str], set[str]] = {
        **{(Kind.CONTRACT, module.name, name): set() for module in modules for name in module.offers},
        **{(Kind.EVENT, module.name, name): set() for module in modules for name in module.publishes},
    }
    for module in modules:
        for kind, taken in ((Kind.CONTRACT, module.needs), (Kind.EVENT, module.handles)):
            for name, source in taken.items():
                # The kernel's events come from no box.
                users.get((kind, source, name), set()).add(module.name)
    return [Line(*key, frozenset(names)) for key, names in users.items()]


def _rows(modules: Sequence[ModuleDescription], lines: Sequence[Line]) -> Mapping[str, int]:
    """Return the row of each module, from the bottom: above everything that it needs and hears."""
    below = {module.name: {line.source for line in lines if module.name in line.users} for module in modules}
    try:
        order = list(graphlib.TopologicalSorter(below).static_order())
    except graphlib.CycleError:
        # Needs alone make no circle, or the modules would not have been composed.
        below = {module.name: set(module.needs.values()) for module in modules}
        order = list(graphlib.TopologicalSorter(below).static_order())
    level: dict[str, int] = {}
    for name in order:
        level[name] = 1 + max((level[other] for other in below[name]), default=-1)
    rows: dict[str, int] = {}
    first = 0
    for each in range(max(level.values()) + 1):
        names = [module.name for module in modules if level[module.name] == each]
        folded = math.ceil(len(names) / MAX_BOXES_PER_ROW)
        rows |= {name: first + place * folded // len(names) for place, name in enumerate(names)}
        first += folded
    return rows


def _stretches(line: Line, boxes: Mapping[str, _Node]) -> Iterator[_Stretch]:
    lower, left = boxes[line.source], line.users
    while left:
        row = lower.row + 1
        here = {user for user in left if boxes[user].row == row}
        yield from (_Stretch(line, lower, boxes[user], frozenset({user})) for user in sorted(here))
        left -= here
        if left:
            lane = _Node(row, LANE_WIDTH)
            yield _Stretch(line, lower, lane, left)
            lower = lane


def _place(rows: Sequence[list[_Node]]) -> None:
    """Move every node towards what it is joined to, round by round, until lines are short."""
    for row in rows:
        for one, next_one in pairwise(row):
            next_one.x = one.x + _distance(one, next_one)
        middle = (row[0].x + row[-1].x) / 2
        for node in row:
            node.x -= middle
    for _ in range(ROUNDS):
        for row in (*rows, *reversed(rows)):
            row.sort(key=lambda node: node.wanted)
            _spread(row)


def _spread(row: Sequence[_Node]) -> None:
    """Put each node where it wants to be, or as near as its neighbours let it."""
    wanted = [node.wanted for node in row]
    rightwards, leftwards = [wanted[0]], [wanted[-1]]
    for (one, next_one), want in zip(pairwise(row), wanted[1:], strict=True):
        rightwards.append(max(want, rightwards[-1] + _distance(one, next_one)))
    for (next_one, one), want in zip(pairwise(reversed(row)), wanted[-2::-1], strict=True):
        leftwards.append(min(want, leftwards[-1] - _distance(one, next_one)))
    # Both keep the distances, so their mean does; and the mean favorites neither side.
    for node, right, left in zip(row, rightwards, reversed(leftwards), strict=True):
        node.x = (right + left) / 2


def _tops(rows: Sequence[Sequence[_Node]], stretches: Sequence[_Stretch]) -> Sequence[float]:
    """Return where the boxes of each row begin: further apart where more lines cross."""
    tops = [float(MARGIN + TAB_HEIGHT)]
    for row in range(len(rows) - 2, -1, -1):
        crossing = sum(stretch.lower.row == row for stretch in stretches)
        tops.append(tops[-1] + BOX_HEIGHT + MIN_ROW_GAP + ROOM_PER_STRETCH * crossing + TAB_HEIGHT)
    return tops[::-1]


def _distance(one: _Node, other: _Node) -> float:
    gap = BOX_GAP if one.module and other.module else LANE_GAP
    return (one.width + other.width) / 2 + gap


def _box_width(module: ModuleDescription, lines: Sequence[Line]) -> float:
    tabs = [_tab_width(line) + TAB_GAP for line in lines if line.source == module.name]
    return max(MIN_BOX_WIDTH, len(module.name) * NAME_ADVANCE + 2 * PADDING, sum(tabs) + PADDING)


def _tab_width(line: Line) -> float:
    return len(line.name) * TAB_ADVANCE + PADDING


def _tabs(layout: _Layout) -> Mapping[Line, float]:
    """Return the middle of every tab: in the order of where its line comes from, so that few cross."""
    come_from: defaultdict[Line, list[float]] = defaultdict(list)
    for stretch in layout.stretches:
        if stretch.lower.module is not None:
            come_from[stretch.line].append(stretch.upper.x)
    middles = {}
    for node in (node for row in layout.rows for node in row if node.module is not None):
        tabs = [line for line in layout.lines if node.module and line.source == node.module.name]
        tabs.sort(key=lambda line: sum(come_from[line]) / max(1, len(come_from[line])))
        x = node.x - (sum(_tab_width(tab) for tab in tabs) + TAB_GAP * (len(tabs) - 1)) / 2
        for tab in tabs:
            middles[tab] = x + _tab_width(tab) / 2
            x += _tab_width(tab) + TAB_GAP
    return middles


def _feet(layout: _Layout, tabs: Mapping[Line, float]) -> Mapping[_Stretch, float]:
    """Return where each stretch meets the lower edge of the box above it, or the lane above it."""
    feet = {}
    by_node: defaultdict[_Node, list[_Stretch]] = defaultdict(list)
    for stretch in layout.stretches:
        by_node[stretch.upper].append(stretch)
    for node, stretches in by_node.items():
        stretches.sort(key=lambda stretch: _head(stretch, tabs))
        gap = min(FEET_GAP, (node.width - 2 * PADDING) / len(stretches))
        for place, stretch in enumerate(stretches):
            feet[stretch] = node.x + (place - (len(stretches) - 1) / 2) * gap
    return feet


def _head(stretch: _Stretch, tabs: Mapping[Line, float]) -> float:
    return tabs[stretch.line] if stretch.lower.module is not None else stretch.lower.x


# What it looks like.


def _drawn_lines(layout: _Layout) -> Iterator[str]:
    numbers = {module.name: number for number, module in enumerate(layout.modules)}
    tabs = _tabs(layout)
    feet = _feet(layout, tabs)
    for stretch in layout.stretches:
        line = stretch.line
        whose = " ".join(f"m{numbers[name]}" for name in (line.source, *sorted(stretch.users)))
        yield (
            f'<g class="line {line.kind.value} hue{numbers[line.source]} {whose}">'
            f"<title>{escape(line.told(stretch.users))}</title>"
            f"{_path(layout, stretch, feet[stretch], _head(stretch, tabs))}</g>"
        )


def _path(layout: _Layout, stretch: _Stretch, foot: float, head: float) -> str:
    from_y = layout.top(stretch.upper) + BOX_HEIGHT
    to_y = layout.top(stretch.lower) - TAB_HEIGHT
    arrow = ""
    if stretch.line.kind is Kind.CONTRACT and stretch.lower.module is not None:
        arrow = _arrow(head, to_y, -ARROW_LENGTH)
        to_y -= ARROW_LENGTH
    if stretch.line.kind is Kind.EVENT and stretch.upper.module is not None:
        arrow = _arrow(foot, from_y, ARROW_LENGTH)
        from_y += ARROW_LENGTH
    middle = (from_y + to_y) / 2
    bent = f"{head:.1f} {middle:.1f} {foot:.1f} {middle:.1f}"
    # A lane goes straight through its row, up to where the next stretch begins.
    lane = f"V{layout.top(stretch.upper) - TAB_HEIGHT:.1f}" if stretch.upper.module is None else ""
    drawn = f"M{head:.1f} {to_y:.1f}C{bent} {foot:.1f} {from_y:.1f}{lane}"
    return f'<path class="reach" d="{drawn}"/><path d="{drawn}"/>{arrow}'


def _arrow(x: float, y: float, back: float) -> str:
    """Return an arrowhead that ends at the point and begins so far behind it."""
    left, right = x - ARROW_WIDTH, x + ARROW_WIDTH
    return f'<path class="arrow" d="M{x:.1f} {y:.1f}L{left:.1f} {y + back:.1f}H{right:.1f}Z"/>'


def _boxes(layout: _Layout) -> Iterator[str]:
    tabs = _tabs(layout)
    nodes = {node.module.name: node for row in layout.rows for node in row if node.module is not None}
    # Read aloud from the top, as it is seen.
    for number, module in reversed(list(enumerate(layout.modules))):
        node = nodes[module.name]
        own = [line for line in layout.lines if line.source == module.name]
        yield f'<a class="box hue{number} m{number}" href="#{quote(anchor(module.name))}">'
        yield from (_tab(line, tabs[line], layout.top(node)) for line in own)
        yield _box(module, node, layout.top(node))
        yield "</a>"


def _tab(line: Line, middle: float, box_top: float) -> str:
    width, top = _tab_width(line), box_top - TAB_HEIGHT
    # Its lower edge is hidden by the box.
    return (
        f'<rect class="tab {line.kind.value}" x="{middle - width / 2:.1f}" y="{top:.1f}"'
        f' width="{width:.1f}" height="{TAB_HEIGHT + PADDING}" rx="6"/>'
        f'<text class="tab" x="{middle:.1f}" y="{top + TAB_HEIGHT / 2 + 4:.1f}">{escape(line.name)}</text>'
    )


def _box(module: ModuleDescription, node: _Node, top: float) -> str:
    size = f"{counted(module.routes, 'route')}, {counted(module.tables, 'table')}"
    return (
        f'<rect class="body" x="{node.x - node.width / 2:.1f}" y="{top:.1f}"'
        f' width="{node.width:.1f}" height="{BOX_HEIGHT}" rx="8"/>'
        f'<text class="name" x="{node.x:.1f}" y="{top + 24:.1f}">{escape(module.name)}</text>'
        f'<text class="size" x="{node.x:.1f}" y="{top + 42:.1f}">{size}</text>'
    )
