"""The generated part of docs/architecture.md."""

from collections.abc import Sequence

from conduit_app.module_catalog import ModuleDescription, mermaid, rows


def architecture_markdown(describe_modules: Sequence[ModuleDescription]) -> str:
    """Return docs/architecture.md's generated part: the graph, and a canvas for each module."""
    parts = ["```mermaid", mermaid(describe_modules), "```", ""]
    for card in describe_modules:
        parts += [f"### {card.name}", "", card.summary, "", "| | |", "| --- | --- |"]
        parts += [f"| {row} | {text or '-'} |" for row, text in rows(card)]
        parts.append("")
    return "\n".join(parts)
