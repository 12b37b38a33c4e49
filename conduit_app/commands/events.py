"""`conduit events`: what is in the outbox, for operators."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, TypeVar

import typer

from conduit_app.application import compose_from_settings
from conduit_app.commands.errors import fail, reporting_errors
from conduit_app.migrations.runner import SchemaState, schema_states
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.settings import Settings, load_settings
from modules.kernel.infrastructure.messaging.outbox_admin import DeliveryState, OutboxAdmin, StoredDelivery
from modules.kernel.module import KERNEL

EVERY_STATE = tuple(DeliveryState)

ResultT = TypeVar("ResultT")
Ids = Annotated[
    list[int] | None, typer.Argument(help="Ids, as conduit events list shows them.", show_default=False)
]

events = typer.Typer(
    help="Look at events that are delivered after the commit, and say what becomes of them.",
    no_args_is_help=True,
)


@events.command(name="list")
def list_command(
    state: Annotated[DeliveryState | None, typer.Option(help="Only deliveries in this state.")] = None,
    limit: Annotated[int, typer.Option(help="How many to show, the oldest first.", min=1)] = 50,
) -> None:
    """Show deliveries that are not done.

    Example: conduit events list --state dead
    """
    schema_states = EVERY_STATE if state is None else (state,)
    for one in _with_deliveries(lambda deliveries: deliveries.oldest(schema_states, limit)):
        typer.echo(_line(one))


@events.command()
def show(delivery: Annotated[int, typer.Argument(help="Its id.")]) -> None:
    """Show all there is to know of a delivery.

    Example: conduit events show 42
    """
    found = _with_deliveries(lambda deliveries: deliveries.by_id([delivery]))
    if not found:
        fail(f"there is no delivery {delivery}: it is done, or there never was one")
    for one in found:
        typer.echo(_card(one))


@events.command()
def retry(
    ids: Ids = None,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead one.")] = False,
) -> None:
    """Deliver now what is dead, or waits to be tried again.

    Example: conduit events retry --dead

    It is tried as if for the first time, by the processes that serve. What was delivered after a dead
    one about the same thing is not delivered again.
    """
    _require_choice(ids, dead)
    schema_states = [DeliveryState.DEAD] if dead else [DeliveryState.DEAD, DeliveryState.PENDING]
    number = _with_deliveries(lambda deliveries: deliveries.retry(schema_states, ids))
    typer.echo(f"{number} to be delivered", err=True)


@events.command()
def purge(
    ids: Ids = None,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead one.")] = False,
    orphaned: Annotated[
        bool, typer.Option("--orphaned", help="Every one that no module subscribes to.")
    ] = False,
) -> None:
    """Forget deliveries for good: their subscribers never hear of them.

    Example: conduit events purge 42
    """
    _require_choice(ids, dead or orphaned)
    chosen = [
        state for state, wanted in ((DeliveryState.DEAD, dead), (DeliveryState.ORPHANED, orphaned)) if wanted
    ]
    number = _with_deliveries(lambda deliveries: deliveries.purge(chosen or EVERY_STATE, ids))
    typer.echo(f"{number} forgotten", err=True)


def _require_choice(ids: Sequence[int] | None, by_state: bool) -> None:
    if bool(ids) == by_state:
        fail("say which: either ids or an option that chooses them (see --help)")


def _with_deliveries(work: Callable[[OutboxAdmin], Awaitable[ResultT]]) -> ResultT:
    with reporting_errors():
        settings = load_settings(Settings)
        configure_logging(settings)
        return asyncio.run(_worked(settings, work))


async def _worked(settings: Settings, work: Callable[[OutboxAdmin], Awaitable[ResultT]]) -> ResultT:
    composition = compose_from_settings(settings)
    try:
        if (await schema_states(composition.database, [KERNEL]))[KERNEL.name] is not SchemaState.CURRENT:
            fail(f"the tables of {KERNEL.name} are not those of this version; run: conduit migrate")
        return await work(composition.messaging.outbox_admin)
    finally:
        await composition.database.dispose()


def _line(one: StoredDelivery) -> str:
    error = "" if one.last_error is None else f": {one.last_error.strip().splitlines()[-1]}"
    what = f"{one.event} ({one.aggregate}) to {one.subscriber}"
    return f"{one.id}  {one.state.value}  {_time(one.published_at)}  {what}, attempts {one.attempts}{error}"


def _card(one: StoredDelivery) -> str:
    rows = {
        "delivery": one.id,
        "state": one.state.value,
        "event": one.event,
        "about": one.aggregate,
        "facts": one.payload,
        "subscriber": one.subscriber,
        "published": _time(one.published_at),
        "next attempt": "never" if one.due_at is None else _time(one.due_at),
        "attempts": one.attempts,
        "last error": "none" if one.last_error is None else f"\n{one.last_error.rstrip()}",
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
