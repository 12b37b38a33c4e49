"""The page at `/`, the icon and robots.txt, where no frontend is served."""

from collections.abc import Mapping, Sequence
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import structlog
from fastapi import APIRouter, Header
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from conduit_app.composition import Composition
from conduit_app.demo_tables import first_table_with_data
from conduit_app.observability.health import not_ready
from conduit_app.observability.probe import DatabaseProbe
from conduit_app.pages.guide_library import PREFIX
from conduit_app.pages.guides import ROOT
from conduit_app.pages.page_style import page_style
from modules.kernel.domain.errors import Unavailable

STYLE = Path(__file__).with_suffix(".css")
ICON = Path(__file__).with_name("favicon.ico")
# The API has nothing for search engines; a frontend has its own file.
ROBOTS = "User-agent: *\nDisallow: /\n"
GUIDES = {
    "frontends": ("Guide for frontends", "Tokens, errors, pages, caching and retries"),
    "modules": ("Guide for module teams", "Writing a module or a plugin"),
    "operations": ("Guide for operators", "Settings, limits, backups and metrics"),
}
EMPTY = """The database is empty. Fill it with made-up users, articles and comments:
<pre><code>.venv/bin/conduit demo</code></pre>"""

log = structlog.get_logger("conduit.front_page")


def create_front_page_router(composition: Composition, version: str, *, has_architecture: bool) -> APIRouter:
    """Return the routes, which are not in the OpenAPI document: they are for people and their browsers."""
    router = APIRouter(include_in_schema=False)
    probe, database = DatabaseProbe(), composition.database.for_probes()

    @router.get("/")
    async def front_page(accept: Annotated[str, Header()] = "") -> HTMLResponse:
        """Return the page to a browser, and 404 to a client of the API."""
        if "text/html" not in accept or "application/json" in accept:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        page = _page(version, await read_notices(), _links(has_architecture=has_architecture))
        return HTMLResponse(page, headers={"Vary": "Accept"})

    @router.get("/favicon.ico")
    def icon() -> Response:
        """Return the icon that browsers request of every site."""
        return Response(ICON.read_bytes(), media_type="image/vnd.microsoft.icon")

    @router.get("/robots.txt")
    async def robots() -> PlainTextResponse:
        """Return the rules of the Robots Exclusion Protocol (RFC 9309)."""
        return PlainTextResponse(ROBOTS)

    async def read_notices() -> Sequence[str]:
        """Return what there is to do about the database, in HTML."""
        try:
            problems = await probe.run(not_ready(database, composition))
            if problems:
                texts = dict.fromkeys(text for module in problems.values() for text in module)
                return [f"The database is not ready: {escape(text)}." for text in texts]
            table = await probe.run(first_table_with_data(composition))
        except Unavailable as error:
            log.warning("database unavailable", cause=repr(error.__cause__ or error))
            return ["The database cannot be reached."]
        return [] if table else [EMPTY]

    return router


def _links(*, has_architecture: bool) -> Mapping[str, tuple[str, str]]:
    """Return titles and descriptions of other pages, by link.

    The links are relative, for a proxy that serves Conduit below a prefix.
    """
    installed = [name for name in GUIDES if (ROOT / "docs" / f"{name}.md").is_file()]
    guides = {f"{PREFIX.lstrip('/')}/{name}": GUIDES[name] for name in installed}
    architecture = {"architecture": ("Architecture", "The modules, and what they offer each other")}
    return {
        "docs": ("API documentation", "Every operation, with examples, to try out"),
        **guides,
        **(architecture if has_architecture else {}),
        "health/ready": ("Health", "Whether requests can be served"),
    }


def _page(version: str, notices: Sequence[str], links: Mapping[str, tuple[str, str]]) -> str:
    cards = "\n".join(
        f'<li><a href="{link}">{escape(title)}</a> <span>{escape(description)}</span></li>'
        for link, (title, description) in links.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>Conduit</title>
<link rel="icon" href="favicon.ico"/>
<style>{page_style(STYLE)}</style>
</head>
<body>
<main>
<h1>Conduit <small>{escape(version)}</small></h1>
<p class="lead">The backend of a blogging platform: the
<a href="https://github.com/realworld-apps/realworld">RealWorld</a> API, at <code>/api</code>.</p>
{"".join(f'<div class="notice" role="status">{notice}</div>' for notice in notices)}
<ul>
{cards}
</ul>
<p class="soft">To serve a frontend here instead of this page, set <code>CONDUIT_FRONTEND_DIR</code> to the
folder of its build.</p>
</main>
</body>
</html>
"""
