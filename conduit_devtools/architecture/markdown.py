"""The generated parts of Markdown files: the graph of the modules, and the routes of one module."""

from collections.abc import Mapping, Sequence
from typing import Any

from conduit_app.module_catalog import ModuleDescription, mermaid

BEGIN, END = "<!-- generated: conduit check --update -->\n", "<!-- end of generated part -->\n"


def architecture_markdown(modules: Sequence[ModuleDescription]) -> str:
    """Return the generated part of docs/architecture.md: the graph, and a link to each module's README."""
    parts = ["```mermaid", mermaid(modules), "```", ""]
    for module in modules:
        link = f"[README](../modules/{module.name}/README.md)"
        parts += [f"### {module.name}", "", f"{module.summary} {link}", ""]
    return "\n".join(parts)


def routes_markdown(openapi_part: Mapping[str, Any]) -> str:
    """Return the generated part of a module's README: a line per route."""
    routes = [
        f"- `{method.upper()} {path}`: {operation['summary']}"
        for path, item in openapi_part["paths"].items()
        for method, operation in item.items()
    ]
    return "\n".join([*(routes or ["None."]), ""])


def with_generated(text: str, generated: str, heading: str) -> str:
    """Return the text with its generated part replaced; a text without one gets it at the end."""
    if BEGIN not in text:
        text = f"{text}{heading}\n\n{BEGIN}{END}"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{generated}\n{END}{after}"
