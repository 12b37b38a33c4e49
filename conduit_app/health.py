"""Probes for whoever keeps Conduit running."""

import asyncio
from dataclasses import asdict
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
NO_DATABASE = {"database": ["does not answer"]}

log = structlog.get_logger("conduit.health")


def create_health_router(composition: Composition) -> APIRouter:
    """Return the probes; they are for operators, and so not in the API's document."""
    router = APIRouter(prefix="/health", include_in_schema=False)
    given_up: set[asyncio.Task[dict[str, object] | Response]] = set()

    def forget(late: asyncio.Task[dict[str, object] | Response]) -> None:
        given_up.discard(late)
        if not late.cancelled():
            # Seen, so that it is not told of as if it had been overlooked.
            late.exception()

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
        # Not `asyncio.timeout`, which waits until the driver has given up its statement: on a server
        # that is frozen that takes ten seconds more.
        looking = asyncio.create_task(_look(composition))
        await asyncio.wait({looking}, timeout=PATIENCE_SECONDS)
        if not looking.done():
            given_up.add(looking)
            looking.add_done_callback(forget)
            looking.cancel()
            log.warning("the database does not answer", cause=f"nothing came in {PATIENCE_SECONDS} s")
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, NO_DATABASE)
        return looking.result()

    return router


async def _look(composition: Composition) -> dict[str, object] | Response:
    try:
        problems = await not_ready(composition)
        if not problems:
            backlog = await composition.messaging.deliveries.backlog()
            return {"status": "ready", "events": asdict(backlog)}
    except Unavailable as error:
        log.warning("the database does not answer", cause=repr(error.__cause__ or error))
        problems = NO_DATABASE
    return error_response(HTTPStatus.SERVICE_UNAVAILABLE, problems)


async def not_ready(composition: Composition) -> dict[str, list[str]]:
    """Return what keeps Conduit from serving, by the part that is not ready; raise `Unavailable`."""
    found = await states(composition.database, composition.with_tables)
    return {module: [PROBLEMS[state]] for module, state in found.items() if state in PROBLEMS}
