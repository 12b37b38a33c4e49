"""The route of the page /architecture."""

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse

from conduit_app.composition import Composition


def create_architecture_router(composition: Composition, application: FastAPI) -> APIRouter:
    """Return a router with the page /architecture, which is not in the OpenAPI document."""
    router = APIRouter(include_in_schema=False)

    # Not async: reads files, and is called rarely.
    @router.get("/architecture")
    def architecture() -> HTMLResponse:
        """Return the page of the enabled modules."""
        from conduit_app.module_catalog import (  # noqa: PLC0415 - saves memory until the page is requested
            describe_modules,
        )
        from conduit_app.pages.page_frame import top_bar  # noqa: PLC0415 - saves memory
        from conduit_devtools.architecture.page import headers, render_page  # noqa: PLC0415 - saves memory

        modules = describe_modules(composition, application)
        return HTMLResponse(
            render_page(modules, top_bar(application, "/architecture")), headers=headers(modules)
        )

    return router
