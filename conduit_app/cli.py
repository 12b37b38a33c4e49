"""The command line."""

import asyncio
import json
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from conduit_app.application import compose_from, create_application
from conduit_app.backup_commands import backup, restore
from conduit_app.checks.report import Format, render
from conduit_app.checks.running_rules import check_everything, snapshots
from conduit_app.checks.source import Checkout, uncollected
from conduit_app.checks.source_rules import check_sources
from conduit_app.composition import Composition
from conduit_app.demonstration import BEGIN_AGAIN, demonstrate, shown_progress
from conduit_app.events_commands import events
from conduit_app.house import HouseFormat, cards, render_house
from conduit_app.metrics import SHARED_FOLDER
from conduit_app.migrations.runner import migrate, require_current
from conduit_app.module_commands import ConduitCommands
from conduit_app.new_module.naming import ModuleName
from conduit_app.new_module.plan import plan_in_tree, plan_plugin
from conduit_app.new_module.writing import require_running, write_module
from conduit_app.operator_errors import fail, one_line_errors
from conduit_app.server import Limits, ServerConfig
from conduit_app.settings import Settings, load
from conduit_app.structured_logging import configure_logging

FACTORY = "conduit_app.application:create_application"
DRAIN_SECONDS = 30

main = typer.Typer(
    name="conduit",
    cls=ConduitCommands,
    help="The RealWorld blogging backend.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
main.add_typer(events, name="events")
main.command()(backup)
main.command()(restore)


@main.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="How many processes serve.", min=1)] = 1,
) -> None:
    """Serve the API. Example: conduit serve --port 8080 --workers 2."""
    with one_line_errors():
        settings = load(Settings)
        configure_logging(settings)
        asyncio.run(_require_migrated(compose_from(settings)))
        listening = _bind(host, port)
        config = ServerConfig(
            FACTORY,
            Limits.of(settings),
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    address, number = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    typer.echo(
        f"Conduit serves http://{shown}:{number}, documentation at http://{shown}:{number}/docs", err=True
    )
    if workers > 1:
        # Where they add up what each of them counts.
        with tempfile.TemporaryDirectory(prefix="conduit-metrics-") as folder:
            os.environ[SHARED_FOLDER] = folder
            Multiprocess(config, sockets=[listening]).run()
        return
    for told_to_end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told_to_end, _end)
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    if not server.started:
        raise typer.Exit(1)


@main.command(name="migrate")
def migrate_command() -> None:
    """Bring the database to the schema of this version. Example: conduit migrate."""
    with one_line_errors():
        settings = load(Settings)
        configure_logging(settings)
        changed = asyncio.run(_migrate(compose_from(settings)))
    typer.echo(f"migrated {', '.join(changed)}" if changed else "the database is up to date", err=True)


@main.command(name="demo")
def demo_command(
    articles: Annotated[
        int, typer.Option(help="How many articles; the number of everything else follows.", min=1)
    ] = 200,
) -> None:
    """Fill an empty database with made-up users and articles. Example: conduit demo --articles 1000.

    The same number makes the same data.

    It begins with an empty database only. If it stops half-way, remove the database and begin again.
    """
    with one_line_errors():
        # A commit need not survive the loss of power: half of a demonstration is of no use.
        settings = load(Settings).model_copy(update={"database_synchronous": "NORMAL"})
        configure_logging(settings)
        asyncio.run(_require_migrated(compose_from(settings)))
        try:
            remarks = asyncio.run(_demonstrate(compose_from(settings), articles))
        except KeyboardInterrupt:
            fail(f"stopped half-way: {BEGIN_AGAIN}")
    for remark in remarks:
        typer.echo(remark, err=True)


@main.command()
def openapi() -> None:
    """Print the API's OpenAPI document. Example: conduit openapi > openapi.json."""
    with one_line_errors():
        # It is only looked at: nothing is stored and nothing signed, so that no file is made.
        unused = {"database_url": "sqlite+aiosqlite://", "secret_key": secrets.token_hex()}
        document = create_application(load(Settings).model_copy(update=unused)).openapi()
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


@main.command()
def check(
    form: Annotated[Format, typer.Option("--format", help="How findings are told.")] = Format.TEXT,
    sources: Annotated[
        bool, typer.Option("--sources", help="Only what the text of the modules shows: faster.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Write the snapshots anew, of events, document and picture.")
    ] = False,
) -> None:
    """Check the architecture of the checkout in this folder. Example: conduit check --format github."""
    checkout = _checkout()
    with one_line_errors(), uncollected():
        if update:
            for path in snapshots(checkout).write(checkout.root):
                typer.echo(f"wrote {path}", err=True)
        findings = list(check_sources(checkout)) if sources else check_everything(checkout)
    typer.echo(render(findings, form))
    if findings:
        raise typer.Exit(1)


@main.command(name="new-module")
def new_module_command(
    name: Annotated[str, typer.Argument(help="What it is called: lower-case, as in reading_notes.")],
    plugin: Annotated[
        bool, typer.Option("--plugin", help="Write a distribution of its own into plugins/.")
    ] = False,
) -> None:
    """Write a small module that is complete, to begin from. Example: conduit new-module notes."""
    checkout = _checkout()
    with one_line_errors():
        plan = plan_plugin(ModuleName(name)) if plugin else plan_in_tree(ModuleName(name))
        require_running(checkout)
        write_module(checkout, plan)
    typer.echo(plan.next_steps)


@main.command(name="modules")
def modules_command(
    form: Annotated[HouseFormat, typer.Option("--format", help="How they are told.")] = HouseFormat.TEXT,
) -> None:
    """Show the modules that are switched on. Example: conduit modules --format mermaid."""
    with one_line_errors():
        settings = load(Settings)
        composition = compose_from(settings)
        shown = cards(composition, create_application(settings, composition))
    typer.echo(render_house(shown, form))


def _checkout() -> Checkout:
    checkout = Checkout(Path.cwd())
    if not (checkout.root / "importlinter.ini").exists():
        fail("this looks at a checkout: call it where importlinter.ini is")
    return checkout


async def _migrate(composition: Composition) -> list[str]:
    try:
        return list(await migrate(composition.database, composition.with_tables))
    finally:
        await composition.database.dispose()


async def _demonstrate(composition: Composition, articles: int) -> Sequence[str]:
    try:
        with shown_progress() as progress:
            demo = await demonstrate(composition, articles, progress)
    finally:
        await composition.database.dispose()
    return demo.remarks


async def _require_migrated(composition: Composition) -> None:
    try:
        await require_current(composition.database, composition.with_tables)
    finally:
        await composition.database.dispose()


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    # When uvicorn has answered what it had begun, it raises anew the signal that ended it. Being told
    # to end is no failure: without this, the exit code would be 143, or a traceback told of Ctrl-C.
    raise SystemExit(0)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Now, and not when the server is ready: who reads the address may call, and waits in the queue.
        listening.listen()
    except OSError as error:
        listening.close()
        fail(f"cannot listen on {host}:{port} ({error.strerror}); choose another with --host and --port")
    listening.set_inheritable(True)
    return listening


if __name__ == "__main__":
    main()
