"""Health checks: liveness and readiness."""

from dataclasses import asdict
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Response

from conduit_app.composition import Composition
from conduit_app.migrations.schema_state import SchemaState, schema_states
from conduit_app.observability.probe import DatabaseProbe
from modules.kernel.api.errors import error_response
from modules.kernel.domain.errors import Unavailable
from modules.kernel.infrastructure.persistence.database import Database

PROBLEMS = {
    SchemaState.BEHIND: "its tables are not migrated: run conduit migrate",
    SchemaState.AHEAD: "its tables were made by a newer Conduit: upgrade this one",
}
BACKLOG_TIMEOUT_SECONDS = 0.5
NO_DATABASE = {"database": ["does not answer"]}

log = structlog.get_logger("conduit.health")


def create_health_router(composition: Composition) -> APIRouter:
    """Return the routes, which are not in the OpenAPI document: they are for operators."""
    router = APIRouter(prefix="/health", include_in_schema=False)
    probe, database = DatabaseProbe(), composition.database.for_probes()

    @router.get("/live")
    async def live() -> dict[str, str]:
        """Return 200 while the process runs."""
        return {"status": "alive"}

    @router.get("/ready", response_model=None)
    async def ready() -> dict[str, object] | Response:
        """Return 200 when requests can be served, else 503 with what is not ready.

        The outbox is reported but does not affect readiness: a failing event handler does not keep
        requests from being served, and removing the process would not deliver the events.
        """
        try:
            problems = await probe.run(not_ready(database, composition))
        except Unavailable as error:
            log.warning("database unavailable", cause=repr(error.__cause__ or error))
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, NO_DATABASE)
        if problems:
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, problems)
        return {"status": "ready", "events": await read_backlog()}

    async def read_backlog() -> dict[str, object] | None:
        """Return the backlog of the outbox, or None if it cannot be read in time."""
        try:
            backlog = composition.messaging.outbox_admin.backlog()
            return asdict(await probe.run(backlog, BACKLOG_TIMEOUT_SECONDS))
        except Unavailable as error:
            log.warning("outbox unavailable", cause=repr(error.__cause__ or error))
            return None

    return router


async def not_ready(database: Database, composition: Composition) -> dict[str, list[str]]:
    """Return the problems of each module that is not ready; raise `Unavailable`."""
    states = await schema_states(database, composition.migratable)
    return {module: [PROBLEMS[state]] for module, state in states.items() if state in PROBLEMS}
