"""Probes for whoever keeps Conduit running."""

from dataclasses import asdict
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Response

from conduit_app.composition import Composition
from conduit_app.migrations.runner import SchemaState, schema_states
from conduit_app.observability.probe import DatabaseProbe
from modules.kernel.api.errors import error_response
from modules.kernel.domain.errors import Unavailable

PROBLEMS = {
    SchemaState.BEHIND: "its tables are not migrated: run conduit migrate",
    SchemaState.AHEAD: "its tables were made by a newer Conduit: upgrade this one",
}
NO_DATABASE = {"database": ["does not answer"]}

log = structlog.get_logger("conduit.health")


def create_health_router(composition: Composition) -> APIRouter:
    """Return the probes; they are for operators, and so not in the API's document."""
    router = APIRouter(prefix="/health", include_in_schema=False)
    patience = DatabaseProbe()

    @router.get("/live")
    async def live() -> dict[str, str]:
        """Answer as long as the process can answer at all."""
        return {"status": "alive"}

    @router.get("/ready", response_model=None)
    async def ready() -> dict[str, object] | Response:
        """Answer 200 when requests can be served, else 503 with what is not ready.

        What is in the outbox is told and decides nothing: requests are served as well as ever while
        a handler fails, and a process that is taken away for it would not deliver either.
        """
        try:
            return await patience.ask(_look(composition))
        except Unavailable as error:
            log.warning("the database does not answer", cause=repr(error.__cause__ or error))
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, NO_DATABASE)

    return router


async def _look(composition: Composition) -> dict[str, object] | Response:
    if problems := await not_ready(composition):
        return error_response(HTTPStatus.SERVICE_UNAVAILABLE, problems)
    backlog = await composition.messaging.outbox_admin.backlog()
    return {"status": "ready", "events": asdict(backlog)}


async def not_ready(composition: Composition) -> dict[str, list[str]]:
    """Return what keeps Conduit from serving, by the part that is not ready; raise `Unavailable`."""
    found = await schema_states(composition.database, composition.migratable)
    return {module: [PROBLEMS[state]] for module, state in found.items() if state in PROBLEMS}
