"""The house as a page, for whoever develops Conduit: a picture of the modules and a canvas of each."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse

from conduit_app.composition import Composition
from conduit_app.module_catalog import ModuleDescription, describe_modules
from conduit_app.pages.page_style import page_style
from conduit_devtools.architecture.drawing import anchor, counted, draw

STYLE = Path(__file__).with_suffix(".css")
KEY = '<path d="M0 5H32"/><path class="arrow" d="M40 5L31 1V9Z"/>'
GOLDEN_ANGLE = 137.508
"""Degrees by which one hue differs from the next: however many there are, neighbours stay apart."""


def create_architecture_router(composition: Composition, application: FastAPI) -> APIRouter:
    """Return the page /architecture; it is for developers, and so not in the API's document."""
    router = APIRouter(include_in_schema=False)

    # Not async: it reads files, and is called once in a while.
    @router.get("/architecture")
    def architecture() -> HTMLResponse:
        """Show the modules that are switched on."""
        shown = describe_modules(composition, application)
        return HTMLResponse(render_page(shown), headers=headers(shown))

    return router


def headers(modules: Sequence[ModuleDescription]) -> Mapping[str, str]:
    """Return headers under which a browser takes the page's own style, and nothing from anywhere."""
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
    """Return the page: HTML that is XML too, with its style in it and no script."""
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
<p>{counted(modules, "module")}, {counted(routes, "route")}, {counted(tables, "table")}: as it runs here.
This page is there in development only.</p>
</header>
<main>
<h2>The house</h2>
<figure>
<div class="picture" tabindex="0" role="region" aria-label="Picture of the modules">
{draw(modules) if modules else "<p>No module is switched on.</p>"}
</div>
<figcaption>
<p><svg class="key" viewBox="0 0 40 10" aria-hidden="true">{KEY}</svg>
leads from a module to a contract that it needs.</p>
<p><svg class="key hears" viewBox="0 0 40 10" aria-hidden="true">{KEY}</svg>
leads from an event to a module that hears it.</p>
<p>A module sees of others what is written on their tabs, and nothing else.</p>
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
        # Pointing at a module leaves only its own lines strong.
        pointed_at = f"svg:has(a.m{number}:is(:hover, :focus-visible))"
        rules.append(f"{pointed_at} .line:not(.m{number}) {{ opacity: 0.1; }}")
    return "\n".join(rules)


def _canvas(module: ModuleDescription, number: int) -> str:
    name = escape(anchor(module.name))
    return f"""<article class="canvas hue{number}" id="{name}" aria-labelledby="{name}-name" tabindex="-1">
<h3 id="{name}-name">{escape(module.name)} <small>{escape(module.version)}</small></h3>
<p>{escape(module.summary)}</p>
<dl>
{_row("needs", (_of(contract, provider) for contract, provider in module.needs.items()))}
{_row("offers", map(_code, module.offers))}
{_row("handles", _handled(module))}
{_row("publishes", map(_code, module.publishes))}
{_row("routes", map(_route, module.routes))}
{_row("tables", map(_code, module.tables))}
</dl>
</article>
"""


def _handled(module: ModuleDescription) -> Iterable[str]:
    handled = module.handles.items()
    return (_of(event, publisher) + module.delivery_note(event) for event, publisher in handled)


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
