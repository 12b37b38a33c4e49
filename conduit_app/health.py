"""Probes for whoever keeps Conduit running."""

import asyncio
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Response

from conduit_app.composition import Composition
from conduit_app.migrations.runner import State, states
from modules.kernel.api.errors import error_response
from modules.kernel.domain.errors import Unavailable

PATIENCE_SECONDS = 2.0
PROBLEMS = {
    State.BEHIND: "its tables are not migrated: run conduit migrate",
    State.AHEAD: "its tables were made by a newer Conduit: upgrade this one",
}

log = structlog.get_logger("conduit.health")


def create_health_router(composition: Composition) -> APIRouter:
    """Return the probes; they are for operators, and so not in the API's document."""
    router = APIRouter(prefix="/health", include_in_schema=False)

    @router.get("/live")
    async def live() -> dict[str, str]:
        """Answer as long as the process can answer at all."""
        return {"status": "alive"}

    @router.get("/ready", response_model=None)
    async def ready() -> dict[str, str] | Response:
        """Answer 200 when requests can be served, else 503 with what is not ready."""
        problems = await not_ready(composition)
        if problems:
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, problems)
        return {"status": "ready"}

    return router


async def not_ready(composition: Composition) -> dict[str, list[str]]:
    """Return what keeps Conduit from serving, by the part that is not ready."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = await states(composition.database, composition.modules)
    except (TimeoutError, Unavailable) as error:
        log.warning("the database does not answer", cause=repr(error.__cause__ or error))
        return {"database": ["does not answer"]}
    return {module: [PROBLEMS[state]] for module, state in found.items() if state in PROBLEMS}
