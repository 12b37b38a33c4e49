"""The growth chart, as SVG."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 60, 240, 24, 50
COLORS = (
    "#4e79a7", "#f28e2b", "#e15759", "#59a14f", "#b07aa1", "#9c755f", "#2f6b6f", "#d37295", "#79706e",
    "#a0792c", "#1b4965", "#76b7b2", "#5f4690",
)  # fmt: skip
LABEL_GAP = 17

Scale = Callable[[float, float], tuple[float, float]]


def growth_plot(articles: Sequence[int], operations: Mapping[str, Sequence[float]]) -> str:
    """Return a chart of microseconds by number of articles, both on logarithmic scales."""
    highest = 10 ** math.ceil(math.log10(max(max(costs) for costs in operations.values())))
    lowest = 10 ** math.floor(math.log10(min(min(costs) for costs in operations.values())))

    def scale(size: float, cost: float) -> tuple[float, float]:
        x = _fraction(size, articles[0], articles[-1])
        y = _fraction(cost, lowest, highest)
        return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)

    lines = [*_axes(articles, lowest, highest, scale)]
    ends = sorted((scale(articles[-1], costs[-1])[1], name) for name, costs in operations.items())
    labels = dict(zip((name for _, name in ends), _spread([y for y, _ in ends]), strict=True))
    for color, (name, costs) in zip(COLORS, operations.items(), strict=False):
        points = [scale(size, cost) for size, cost in zip(articles, costs, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        label = f"{escape(name)}: {costs[-1] / costs[0]:.1f} times"
        lines += [
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points),
            f'<text x="{WIDTH - RIGHT + 14}" y="{labels[name] + 4:.1f}" fill="{color}">{label}</text>',
        ]
    box, font = f'viewBox="0 0 {WIDTH} {HEIGHT}"', 'font-family="sans-serif" font-size="12"'
    background = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" {box} {font}>', background, *lines, "</svg>\n"]
    )


def _fraction(value: float, lowest: float, highest: float) -> float:
    return math.log(value / lowest) / math.log(highest / lowest)


def _axes(articles: Sequence[int], lowest: float, highest: float, scale: Scale) -> list[str]:
    lines = []
    for size in articles:
        x, bottom = scale(size, lowest)
        lines.append(f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#e4e4e4"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="#444">{size:,}</text>')
    cost = lowest
    while cost <= highest:
        x, y = scale(articles[0], cost)
        label = f"{cost / 1000:g} ms"
        lines.append(f'<path d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}" stroke="#e4e4e4"/>')
        lines.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end" fill="#444">{label}</text>')
        cost *= 10
    middle = (LEFT + WIDTH - RIGHT) / 2
    lines.append(f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle" fill="#444">articles</text>')
    return lines


def _spread(positions: Sequence[float]) -> list[float]:
    """Return the label positions, moved so that labels do not overlap and stay inside the chart."""
    moved: list[float] = []
    for position in positions:
        moved.append(max(position, moved[-1] + LABEL_GAP) if moved else position)
    overflow = max(0.0, moved[-1] - (HEIGHT - BOTTOM))
    return [position - overflow for position in moved]
