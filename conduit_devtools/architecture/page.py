"""The page /architecture, for developers: a diagram of the modules, and a canvas for each."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from conduit_app.module_catalog import ModuleDescription
from conduit_app.pages.page_style import page_style
from conduit_devtools.architecture.drawing import anchor, draw, pluralize

STYLE = Path(__file__).with_suffix(".css")
KEY = '<path d="M0 5H32"/><path class="arrow" d="M40 5L31 1V9Z"/>'
GOLDEN_ANGLE = 137.508
"""Degrees between consecutive hues: adjacent modules have distinct colors, however many there are."""


def headers(modules: Sequence[ModuleDescription]) -> Mapping[str, str]:
    """Return headers whose policy allows the page's own style and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style(modules).encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def render_page(modules: Sequence[ModuleDescription]) -> str:
    """Return the page: HTML that is also well-formed XML, with an inline style and no script."""
    routes = [route for module in modules for route in module.routes]
    tables = [table for module in modules for table in module.tables]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>Architecture of Conduit</title>
<style>{_style(modules)}</style>
</head>
<body>
<header>
<h1>Architecture of Conduit</h1>
<p>{pluralize(modules, "module")}, {pluralize(routes, "route")}, {pluralize(tables, "table")}.
This page is available in development only.</p>
</header>
<main>
<h2>Dependencies</h2>
<figure>
<div class="picture" tabindex="0" role="region" aria-label="Diagram of the modules">
{draw(modules) if modules else "<p>No module is enabled.</p>"}
</div>
<figcaption>
<p><svg class="key" viewBox="0 0 40 10" aria-hidden="true">{KEY}</svg>
solid: the module needs the contract.</p>
<p><svg class="key handles" viewBox="0 0 40 10" aria-hidden="true">{KEY}</svg>
dashed: the module handles the event.</p>
<p>The tabs of a module are its contracts and events: all that other modules may use.</p>
</figcaption>
</figure>
<h2>The modules</h2>
<div class="canvases">
{"".join(_canvas(module, number) for number, module in enumerate(modules))}
</div>
</main>
</body>
</html>
"""


def _style(modules: Sequence[ModuleDescription]) -> str:
    rules = [page_style(STYLE)]
    for number, _ in enumerate(modules):
        rules.append(f".hue{number} {{ --hue: {number * GOLDEN_ANGLE % 360:.0f}; }}")
        # A hovered or focused module fades the edges of other modules.
        active = f"svg:has(a.m{number}:is(:hover, :focus-visible))"
        rules.append(f"{active} .line:not(.m{number}) {{ opacity: 0.1; }}")
    return "\n".join(rules)


def _canvas(module: ModuleDescription, number: int) -> str:
    name = escape(anchor(module.name))
    return f"""<article class="canvas hue{number}" id="{name}" aria-labelledby="{name}-name" tabindex="-1">
<h3 id="{name}-name">{escape(module.name)} <small>{escape(module.version)}</small></h3>
<p>{escape(module.summary)}</p>
<dl>
{_row("needs", (_of(contract, provider) for contract, provider in module.needs.items()))}
{_row("offers", map(_code, module.offers))}
{_row("handles", _handled_events(module))}
{_row("publishes", map(_code, module.publishes))}
{_row("routes", map(_route, module.routes))}
{_row("tables", map(_code, module.tables))}
</dl>
</article>
"""


def _handled_events(module: ModuleDescription) -> Iterable[str]:
    events = module.handles.items()
    return (_of(event, publisher) + module.delivery_note(event) for event, publisher in events)


def _row(title: str, entries: Iterable[str]) -> str:
    items = "".join(f"<li>{entry}</li>" for entry in entries) or '<li class="nothing">nothing</li>'
    return f'<div class="{title}"><dt>{title}</dt><dd><ul>{items}</ul></dd></div>'


def _of(name: str, module: str) -> str:
    return f'{_code(name)} of <a href="#{quote(anchor(module))}">{escape(module)}</a>'


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _route(route: str) -> str:
    method, _, path = route.partition(" ")
    return f"<code><b>{escape(method)}</b> {escape(path)}</code>"
