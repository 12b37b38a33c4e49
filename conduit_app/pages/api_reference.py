"""The page /docs: Swagger UI, in the color scheme of the system, with links to the other pages."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse

from conduit_app.pages.page_frame import html_page, top_bar
from conduit_app.pages.page_style import page_style

PATH = "/docs"
STYLE, SCRIPT = (Path(__file__).with_name(f"api_reference.{suffix}") for suffix in ("css", "js"))
# Relative, so that they are valid behind a proxy's prefix. FastAPIOffline serves the files.
FILES = "static-offline-docs"


def create_api_reference_router(application: FastAPI) -> APIRouter:
    """Return a router with the page, which is not in the OpenAPI document."""
    router = APIRouter(include_in_schema=False)

    # Not async: it reads files.
    @router.get(PATH)
    def api_reference() -> HTMLResponse:
        """Return the page."""
        body = f"""{top_bar(application, PATH)}
<div id="swagger-ui"></div>
<script src="{FILES}/swagger-ui-bundle.js"></script>"""
        sheet = f'<link rel="stylesheet" href="{FILES}/swagger-ui.css"/>'
        script = SCRIPT.read_text(encoding="utf-8")
        return HTMLResponse(html_page(f"{application.title} API", page_style(STYLE), body, script, sheet))

    return router
