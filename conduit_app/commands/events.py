"""`conduit events`: administration of the outbox."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Annotated, TypeVar

import typer

from conduit_app.commands.audited_command import audited_command
from conduit_app.commands.fail import fail
from conduit_app.commands.on_composition import run_on_composition
from modules.kernel.infrastructure.messaging.outbox_admin import DeliveryState, OutboxAdmin, StoredDelivery

ALL_STATES = tuple(DeliveryState)

ResultT = TypeVar("ResultT")
Ids = Annotated[
    list[int] | None,
    typer.Argument(help="Delivery ids, as shown by conduit events list.", show_default=False),
]

Incompatible = Annotated[
    bool, typer.Option("--incompatible", help="All deliveries whose payload this release cannot read.")
]

events = typer.Typer(
    help="Inspect the outbox; retry or delete deliveries.",
    no_args_is_help=True,
)


@events.command(name="list")
def list_command(
    state: Annotated[DeliveryState | None, typer.Option(help="Only deliveries in this state.")] = None,
    limit: Annotated[int, typer.Option(help="Maximum number to show, oldest first.", min=1)] = 50,
) -> None:
    """List deliveries that are not handled yet.

    Example: conduit events list --state dead
    """
    states = ALL_STATES if state is None else (state,)
    deliveries = _with_outbox(lambda outbox: outbox.oldest(states, limit))
    for delivery in deliveries:
        typer.echo(_line(delivery))
    if not deliveries:
        typer.echo("no deliveries" if state is None else f"no {state.value} deliveries", err=True)


@events.command()
def lag() -> None:
    """Show how far each subscriber is behind: the age of its oldest pending delivery.

    Example: conduit events lag
    """
    backlog = _with_outbox(lambda outbox: outbox.backlog())
    for subscriber, seconds in backlog.lag_seconds.items():
        typer.echo(f"{subscriber}  {seconds:.1f} s")
    if not backlog.lag_seconds:
        typer.echo("no subscribers", err=True)


@events.command()
def show(delivery_id: Annotated[int, typer.Argument(metavar="ID", help="Delivery id.")]) -> None:
    """Show a delivery with its payload and last error.

    Example: conduit events show 42
    """
    deliveries = _with_outbox(lambda outbox: outbox.by_id([delivery_id]))
    if not deliveries:
        fail(_unknown([delivery_id]))
    for delivery in deliveries:
        typer.echo(_details(delivery))


@events.command()
def retry(
    ids: Ids = None,
    dead: Annotated[bool, typer.Option("--dead", help="All dead deliveries.")] = False,
    incompatible: Incompatible = False,
) -> None:
    """Retry dead, incompatible or pending deliveries now.

    Example: conduit events retry --dead

    The server processes deliver them, with the count of attempts reset. Later deliveries of the same
    aggregate that were already handled are not repeated.
    """
    states = _chosen({DeliveryState.DEAD: dead, DeliveryState.INCOMPATIBLE: incompatible})
    _require_choice(ids, states)
    retriable = [DeliveryState.DEAD, DeliveryState.INCOMPATIBLE, DeliveryState.PENDING]
    count = _with_outbox(
        lambda outbox: _change(outbox, states or retriable, ids, outbox.retry),
        _audited("retry", states, ids),
    )
    typer.echo(f"{_number(count)} scheduled", err=True)


@events.command()
def purge(
    ids: Ids = None,
    dead: Annotated[bool, typer.Option("--dead", help="All dead deliveries.")] = False,
    incompatible: Incompatible = False,
    orphaned: Annotated[
        bool, typer.Option("--orphaned", help="All deliveries without a subscriber.")
    ] = False,
) -> None:
    """Delete deliveries; they are never delivered.

    Example: conduit events purge 42
    """
    states = _chosen(
        {
            DeliveryState.DEAD: dead,
            DeliveryState.INCOMPATIBLE: incompatible,
            DeliveryState.ORPHANED: orphaned,
        }
    )
    _require_choice(ids, states)
    count = _with_outbox(
        lambda outbox: _change(outbox, states or ALL_STATES, ids, outbox.purge),
        _audited("purge", states, ids),
    )
    typer.echo(f"{_number(count)} deleted", err=True)


async def _change(
    outbox: OutboxAdmin,
    states: Sequence[DeliveryState],
    ids: Sequence[int] | None,
    change: Callable[[Sequence[DeliveryState], Sequence[int] | None], Awaitable[int]],
) -> int:
    """Return how many deliveries were changed; exit with code 1, and change none, if an id is unknown."""
    if ids:
        deliveries = {delivery.id: delivery.state for delivery in await outbox.by_id(ids)}
        if unknown := [delivery_id for delivery_id in ids if delivery_id not in deliveries]:
            fail(_unknown(unknown))
        if others := [delivery_id for delivery_id in ids if deliveries[delivery_id] not in states]:
            *first, last = (state.value for state in states)
            names = f"{', '.join(first)} or {last}" if first else last
            fail(f"delivery {', '.join(map(str, others))} is not {names}")
    return await change(states, ids)


def _unknown(ids: Sequence[int]) -> str:
    numbers = ", ".join(map(str, ids))
    return f"there is no delivery {numbers}: it is already handled, or never existed"


def _number(count: int) -> str:
    return f"{count} {'delivery' if count == 1 else 'deliveries'}"


def _chosen(options: Mapping[DeliveryState, bool]) -> Sequence[DeliveryState]:
    return [state for state, is_chosen in options.items() if is_chosen]


def _require_choice(ids: Sequence[int] | None, states: Sequence[DeliveryState]) -> None:
    if bool(ids) == bool(states):
        fail("pass ids or an option of states, such as --dead")


def _with_outbox(
    operation: Callable[[OutboxAdmin], Awaitable[ResultT]],
    around: AbstractContextManager[object] | None = None,
) -> ResultT:
    return run_on_composition(lambda composition: operation(composition.messaging.outbox_admin), around)


def _audited(
    command: str, states: Sequence[DeliveryState], ids: Sequence[int] | None
) -> AbstractContextManager[object]:
    arguments = {"ids": ids} if ids else {"states": [state.value for state in states]}
    return audited_command(f"events {command}", arguments)


def _line(delivery: StoredDelivery) -> str:
    failure = "" if delivery.failure is None else f", {delivery.failure.value}"
    error = "" if delivery.last_error is None else f": {delivery.last_error.strip().splitlines()[-1]}"
    what = f"{delivery.event} ({delivery.aggregate}) to {delivery.subscriber}"
    published = _time(delivery.published_at)
    attempts = f"attempts {delivery.attempts}{failure}{error}"
    return f"{delivery.id}  {delivery.state.value}  {published}  {what}, {attempts}"


def _details(delivery: StoredDelivery) -> str:
    rows = {
        "delivery": delivery.id,
        "state": delivery.state.value,
        "event": delivery.event,
        "aggregate": delivery.aggregate,
        "payload": delivery.payload,
        "subscriber": delivery.subscriber,
        "published": _time(delivery.published_at),
        "next attempt": "never" if delivery.due_at is None else _time(delivery.due_at),
        "attempts": delivery.attempts,
        "last attempt": "none" if delivery.failure is None else delivery.failure.value,
        "last error": "none" if delivery.last_error is None else f"\n{delivery.last_error.rstrip()}",
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
