"""The page /architecture, for developers: a diagram of the modules, and a canvas for each."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from conduit_app.module_catalog import ModuleDescription
from conduit_app.pages.page_frame import html_page, page_headers
from conduit_app.pages.page_style import page_style
from conduit_devtools.architecture.drawing import anchor, diagram_style, picture, pluralize

STYLE = Path(__file__).with_suffix(".css")
KEY = '<path d="M0 5H32"/><path class="arrow" d="M40 5L31 1V9Z"/>'


def headers(modules: Sequence[ModuleDescription]) -> Mapping[str, str]:
    """Return headers whose policy allows the page's own style and nothing else."""
    return {**page_headers(_style(modules)), "Cache-Control": "no-store"}


def render_page(modules: Sequence[ModuleDescription], navigation: str = "") -> str:
    """Return the page: HTML that is also well-formed XML, with an inline style and no script.

    `navigation` is the HTML of the links to other pages.
    """
    routes = [route for module in modules for route in module.routes]
    tables = [table for module in modules for table in module.tables]
    # A narrow window shows the modules before the diagram, which is wider.
    body = f"""{navigation}
<header>
<h1>Architecture of Conduit</h1>
<p>{pluralize(modules, "module")}, {pluralize(routes, "route")}, {pluralize(tables, "table")}.
This page is available in development only.</p>
</header>
<main>
<section class="dependencies">
<h2>Dependencies</h2>
<figure>
{picture(modules)}<figcaption>
<p><svg class="key" viewBox="0 0 40 10" aria-hidden="true">{KEY}</svg>
solid: the module needs the contract.</p>
<p><svg class="key handles" viewBox="0 0 40 10" aria-hidden="true">{KEY}</svg>
dashed: the module handles the event.</p>
<p>The tabs of a module are its contracts and events: all that other modules may use.</p>
</figcaption>
</figure>
</section>
<section class="modules">
<h2>The modules</h2>
<div class="canvases">
{"".join(_canvas(module, number) for number, module in enumerate(modules))}
</div>
</section>
</main>"""
    return html_page("Architecture of Conduit", _style(modules), body)


def _style(modules: Sequence[ModuleDescription]) -> str:
    return page_style(STYLE) + diagram_style(modules)


def _canvas(module: ModuleDescription, number: int) -> str:
    name = escape(anchor(module.name))
    return f"""<article class="canvas hue{number}" id="{name}" aria-labelledby="{name}-name" tabindex="-1">
<h3 id="{name}-name">{escape(module.name)} <small>{escape(module.version)}</small></h3>
<p>{escape(module.summary)}</p>
{f"<p>Owner: {escape(module.owner)}</p>" if module.owner else ""}
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
