"""The generated part of docs/architecture.md."""

from collections.abc import Sequence

from conduit_app.module_catalog import Card, mermaid, rows


def guide(cards: Sequence[Card]) -> str:
    """Return docs/architecture.md's generated part: the graph, and a canvas for each module."""
    parts = ["```mermaid", mermaid(cards), "```", ""]
    for card in cards:
        parts += [f"### {card.name}", "", card.summary, "", "| | |", "| --- | --- |"]
        parts += [f"| {row} | {text or '-'} |" for row, text in rows(card)]
        parts.append("")
    return "\n".join(parts)
