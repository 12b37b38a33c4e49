"""An application with the kernel's error handlers and no module."""

import httpx2
from fastapi import APIRouter, FastAPI

from modules.kernel.api.errors import install_error_handlers


def create_client(router: APIRouter) -> httpx2.AsyncClient:
    """Return a client of an application with this router and the kernel's error handlers."""
    application = FastAPI()
    application.include_router(router)
    install_error_handlers(application)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url="http://kernel.test")
