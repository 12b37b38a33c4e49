"""`conduit serve`."""

import asyncio
import importlib
import os
import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
import uvicorn
from uvicorn.supervisors import ChangeReload, Multiprocess

from conduit_app.application import compose_from_settings, served_modules
from conduit_app.commands.errors import fail, reporting_errors
from conduit_app.composition import Composition
from conduit_app.devtools import PACKAGE, is_installed
from conduit_app.migrations.runner import require_current
from conduit_app.observability.metrics import SHARED_FOLDER
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.observability.tracing import wanted
from conduit_app.server import Limits, ServerConfig
from conduit_app.settings import Settings, load_settings

FACTORY = "conduit_app.application:asgi_application"
SHUTDOWN_TIMEOUT_SECONDS = 30
# The packages of the program itself; those of plugins come with them.
OWN_PACKAGES = ("conduit_app", "modules")


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="The port to listen on; 0 is any that is free.", min=0, max=65535)
    ] = 8000,
    workers: Annotated[int, typer.Option(help="How many processes serve.", min=1)] = 1,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start anew when the code changes. For development.")
    ] = False,
) -> None:
    """Serve the API.

    Example: conduit serve --port 8080 --workers 2
    """
    with reporting_errors():
        settings = load_settings(Settings)
        if reload:
            _require_development(settings, workers)
        configure_logging(settings)
        collector = wanted()
        composition = compose_from_settings(settings)
        asyncio.run(require_migrated(composition))
        listening = _bind(host, port)
        config = ServerConfig(
            FACTORY,
            Limits.of(settings),
            factory=True,
            host=host,
            port=port,
            workers=workers,
            reload=reload,
            reload_dirs=[str(folder) for folder in _folders(composition)] if reload else None,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
        )
        typer.echo("\n".join(_announced(listening, settings, composition, config, collector)), err=True)
    _run(config, listening)


def _run(config: ServerConfig, listening: socket.socket) -> None:
    if config.should_reload:
        ChangeReload(config, target=uvicorn.Server(config).run, sockets=[listening]).run()
        return
    if config.workers > 1:
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


def _announced(
    listening: socket.socket,
    settings: Settings,
    composition: Composition,
    config: ServerConfig,
    collector: str | None,
) -> Iterator[str]:
    address, number = listening.getsockname()[:2]
    url = f"http://{f'[{address}]' if ':' in address else address}:{number}"
    yield f"Conduit serves {url}, documentation at {url}/docs"
    yield f"  database  {composition.database.display_url}"
    served = [module.name for module in served_modules(composition, settings)]
    not_served = [module.name for module in composition.modules if module.name not in served]
    yield f"  modules   {', '.join(served)}" + (
        f"; not served: {', '.join(not_served)}" if not_served else ""
    )
    if collector is not None:
        yield f"  traces    sent to {collector}"
    if config.workers > 1:
        yield f"  workers   {config.workers}"
    if config.should_reload:
        yield "  reload    when a Python file of Conduit or of a plugin changes"


async def require_migrated(composition: Composition) -> None:
    """Raise `SchemaBehindError` or `SchemaAheadError` unless the database fits; it is closed afterwards."""
    try:
        await require_current(composition.database, composition.migratable)
    finally:
        await composition.database.dispose()


def _require_development(settings: Settings, workers: int) -> None:
    if settings.environment == "production":
        fail("--reload is for development, and CONDUIT_ENVIRONMENT is production")
    if workers > 1:
        fail("--reload starts one process anew, and cannot go with --workers")


def _folders(composition: Composition) -> Sequence[Path]:
    """Return where the code lies: not the whole folder, whose .venv has files by the ten thousand."""
    plugins = (module.package.partition(".")[0] for module in composition.modules)
    packages = [*OWN_PACKAGES, *([PACKAGE] if is_installed() else []), *plugins]
    return [
        Path(place) for name in dict.fromkeys(packages) for place in importlib.import_module(name).__path__
    ]


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
