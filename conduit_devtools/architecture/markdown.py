"""The generated part of docs/architecture.md."""

from collections.abc import Sequence

from conduit_app.module_catalog import ModuleDescription, mermaid, rows


def architecture_markdown(modules: Sequence[ModuleDescription]) -> str:
    """Return the generated part of docs/architecture.md: the graph, and a canvas for each module."""
    parts = ["```mermaid", mermaid(modules), "```", ""]
    for module in modules:
        parts += [f"### {module.name}", "", module.summary, "", "| | |", "| --- | --- |"]
        parts += [f"| {row} | {text or '-'} |" for row, text in rows(module)]
        parts.append("")
    return "\n".join(parts)
