"""The routes of the guides, of a search in them, and of the files that they link to, below /docs."""

from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, FastAPI, Query
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from conduit_app.discovery import installed_readmes
from conduit_app.pages.guide_library import MAX_QUERY_LENGTH, PREFIX, SEARCH, SOURCES, GuideLibrary

if TYPE_CHECKING:
    from conduit_app.pages.guide_pages import GuidePages

ROOT = Path(__file__).parents[2]
GUIDES = {"frontends": "for frontends", "modules": "for module teams", "operations": "for operators"}


def guide_links(root: Path = ROOT, *, root_path: str = "") -> str:
    """Return Markdown links to the guides, or an empty string if they are not installed."""
    if not _guides_installed(root):
        return ""
    return (
        "Guides: "
        + ", ".join(f"[{audience}]({root_path}{PREFIX}/{name})" for name, audience in GUIDES.items())
        + "."
    )


def create_guides_router(application: FastAPI, *, with_sources: bool, root: Path = ROOT) -> APIRouter:
    """Return the routes of the pages, if the guides are installed; they are not in the OpenAPI document.

    The READMEs of installed plugins are pages, too.

    With `with_sources`, files and folders of the checkout that the guides link to are pages too.
    """
    router = APIRouter(include_in_schema=False)
    if not _guides_installed(root):
        return router
    library = GuideLibrary(root, with_sources=with_sources, readmes=installed_readmes())

    @cache
    def pages() -> "GuidePages":
        from conduit_app.pages.guide_pages import (  # noqa: PLC0415 - saves memory until a page is requested
            GuidePages,
        )

        return GuidePages(library, application)

    # Not async: they read files.
    @router.get(PREFIX)
    def overview() -> Response:
        """Return the README as a page."""
        return guide("README")

    @router.get(PREFIX + "/{name:path}")
    def guide(name: str) -> Response:
        """Return a page, or an image."""
        if name in library.images:
            return Response(library.images[name].read_bytes(), media_type="image/svg+xml")
        if name not in library.guides:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return pages().guide(library.guides[name])

    @router.get(SEARCH)
    def search(q: Annotated[str, Query(max_length=MAX_QUERY_LENGTH)] = "") -> Response:
        """Return the page with the sections that contain all words."""
        return pages().results(q)

    @router.get(SOURCES + "/{name:path}")
    def source(name: str) -> Response:
        """Return the page of a file or folder."""
        file = library.source(name)
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return pages().source(name, file)

    return router


def _guides_installed(root: Path) -> bool:
    return all((root / "docs" / f"{name}.md").is_file() for name in GUIDES)
