"""Draws how costs grow, as SVG."""

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

Place = Callable[[float, float], tuple[float, float]]


def growth_plot(articles: Sequence[int], operations: Mapping[str, Sequence[float]]) -> str:
    """Return a picture of microseconds by number of articles, both on logarithmic scales."""
    most = 10 ** math.ceil(math.log10(max(max(costs) for costs in operations.values())))
    least = 10 ** math.floor(math.log10(min(min(costs) for costs in operations.values())))

    def place(size: float, cost: float) -> tuple[float, float]:
        across = _part(size, articles[0], articles[-1])
        up = _part(cost, least, most)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    lines = [*_axes(articles, least, most, place)]
    ends = sorted((place(articles[-1], costs[-1])[1], name) for name, costs in operations.items())
    labels = dict(zip((name for _, name in ends), _apart([y for y, _ in ends]), strict=True))
    for color, (name, costs) in zip(COLORS, operations.items(), strict=False):
        points = [place(size, cost) for size, cost in zip(articles, costs, strict=True)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        label = f"{escape(name)}: {costs[-1] / costs[0]:.1f} times"
        lines += [
            f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="2"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points),
            f'<text x="{WIDTH - RIGHT + 14}" y="{labels[name] + 4:.1f}" fill="{color}">{label}</text>',
        ]
    box, font = f'viewBox="0 0 {WIDTH} {HEIGHT}"', 'font-family="sans-serif" font-size="12"'
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {box} {font}>', paper, *lines, "</svg>\n"])


def _part(value: float, least: float, most: float) -> float:
    return math.log(value / least) / math.log(most / least)


def _axes(articles: Sequence[int], least: float, most: float, place: Place) -> list[str]:
    lines = []
    for size in articles:
        x, bottom = place(size, least)
        lines.append(f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#e4e4e4"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="#444">{size:,}</text>')
    cost = least
    while cost <= most:
        x, y = place(articles[0], cost)
        told = f"{cost / 1000:g} ms"
        lines.append(f'<path d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}" stroke="#e4e4e4"/>')
        lines.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end" fill="#444">{told}</text>')
        cost *= 10
    middle = (LEFT + WIDTH - RIGHT) / 2
    lines.append(f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle" fill="#444">articles</text>')
    return lines


def _apart(places: Sequence[float]) -> list[float]:
    """Return the places, moved down so that labels there do not cover each other, and up from the edge."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + LABEL_GAP) if moved else place)
    overflow = max(0.0, moved[-1] - (HEIGHT - BOTTOM))
    return [place - overflow for place in moved]
