"""Diagrams of the Mermaid graphs that `conduit_app.module_catalog` writes into the guides."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from conduit_app.module_catalog import ModuleDescription
from conduit_devtools.architecture.drawing import diagram_style, picture

HEADER = "graph BT"
NODE = re.compile(r"^    (\w+)$", re.MULTILINE)
EDGE = re.compile(r"^    (\w+) (-->|-\.->)\|([^|]+)\| (\w+)$", re.MULTILINE)


def diagram(graph: str) -> tuple[str, str] | None:
    """Return the diagram as HTML, and its style, or None for a graph of another kind.

    Each box links to the heading with the module's name.
    """
    first, *lines = graph.splitlines()
    names, edges = NODE.findall(graph), EDGE.findall(graph)
    if first != HEADER or not names or len(names) + len(edges) != len(lines):
        return None
    modules = _modules(names, edges)
    return picture(modules, link_to=str), diagram_style(modules)


def _modules(names: Sequence[str], edges: Sequence[tuple[str, str, str, str]]) -> Sequence[ModuleDescription]:
    """Return the modules, with only what a graph shows of them."""
    needs: defaultdict[str, dict[str, str]] = defaultdict(dict)
    handles: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for source, arrow, labels, target in edges:
        for label in labels.split(", "):
            if arrow == "-->":
                needs[source][label] = target
            else:
                handles[target][label] = source
    return [
        ModuleDescription(
            name=name,
            version="",
            summary="",
            needs=needs[name],
            offers=_names_of(name, needs),
            routes=[],
            tables=[],
            publishes=_names_of(name, handles),
            handles=handles[name],
        )
        for name in names
    ]


def _names_of(provider: str, consumed: Mapping[str, Mapping[str, str]]) -> Sequence[str]:
    """Return the contracts or events of a module that others consume, each once."""
    names = [name for entries in consumed.values() for name, other in entries.items() if other == provider]
    return list(dict.fromkeys(names))
