"""`conduit serve`."""

import asyncio
import importlib
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import structlog
import typer
from uvicorn.supervisors import ChangeReload

from conduit_app.application import (
    asgi_application,
    compose_from_settings,
    open_database,
    served_modules,
)
from conduit_app.client_network import spellings
from conduit_app.commands.errors import reporting_errors
from conduit_app.commands.fail import fail
from conduit_app.composition import Composition
from conduit_app.devtools import PACKAGE, is_installed
from conduit_app.gc_paused import gc_paused
from conduit_app.migrations.schema_state import require_compatible
from conduit_app.observability.metrics import MULTIPROC_DIR
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.observability.tracing import trace_collector
from conduit_app.server import Limits, Server, ServerConfig
from conduit_app.settings import Settings, load_settings
from conduit_app.supervision import Supervisor, notify_ready

log = structlog.get_logger("conduit.server")

FACTORY = "conduit_app.application:asgi_application"
SHUTDOWN_TIMEOUT_SECONDS = 30
# Conduit's own packages, without those of plugins.
OWN_PACKAGES = ("conduit_app", "modules")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 selects a free one.", min=0, max=65535)
    ] = 8000,
    workers: Annotated[int, typer.Option(help="Number of worker processes.", min=1)] = 1,
    reload: Annotated[
        bool, typer.Option("--reload", help="Restart when the code changes. For development.")
    ] = False,
) -> None:
    """Serve the API.

    Example: conduit serve --port 8080 --workers 2
    """
    with reporting_errors(), gc_paused():
        settings = load_settings(Settings)
        if reload:
            _require_development(settings, workers)
        configure_logging(settings)
        collector = trace_collector()
        composition = compose_from_settings(settings)
        asyncio.run(require_migrated(settings, composition))
        bound = _bind(host, port)
        # Other processes make their own.
        application = FACTORY if reload or workers > 1 else asgi_application(composition)
        limits = Limits.of(settings)
        config = ServerConfig(
            application,
            limits,
            factory=application is FACTORY,
            host=host,
            port=port,
            workers=workers,
            reload=reload,
            reload_dirs=[str(folder) for folder in _folders(composition)] if reload else None,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(limits.trusted_proxies),
            forwarded_allow_ips=list(chain.from_iterable(map(spellings, limits.trusted_proxies))),
            timeout_keep_alive=settings.keep_alive_timeout,
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
            timeout_worker_healthcheck=settings.worker_timeout,
        )
        banner = "\n".join(_startup_banner(bound, settings, composition, config, collector))
    _run(config, bound, partial(typer.echo, banner, err=True))


def _run(config: ServerConfig, bound: socket.socket, print_banner: Callable[[], object]) -> None:
    if config.should_reload:
        # Requests wait while it restarts.
        bound.listen()
        print_banner()
        ChangeReload(config, target=Server(config).run, sockets=[bound]).run()
        return

    def on_serving() -> None:
        print_banner()
        notify_ready()

    if config.workers > 1:
        # Through which the workers share their metrics.
        with tempfile.TemporaryDirectory(prefix="conduit-metrics-") as folder:
            os.environ[MULTIPROC_DIR] = folder
            supervisor = Supervisor(config, [bound], on_serving)
            supervisor.run()
        if supervisor.is_failed:
            raise typer.Exit(1)
        return
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _exit_cleanly)
    # They would end the process at once.
    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, _ignore)
    # Ignored under nohup.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _shut_down)
    server = Server(config, on_serving)
    server.run(sockets=[bound])
    if not server.started:
        raise typer.Exit(1)


def _startup_banner(
    bound: socket.socket,
    settings: Settings,
    composition: Composition,
    config: ServerConfig,
    collector: str | None,
) -> Iterator[str]:
    address, port = bound.getsockname()[:2]
    url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
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


async def require_migrated(settings: Settings, composition: Composition) -> None:
    """Raise `SchemaBehindError` or `SchemaAheadError` unless this release works on the schema."""
    # A database of its own: connections belong to the event loop that opened them.
    database = open_database(settings)
    try:
        await require_compatible(database, composition.migratable)
        if differences := await database.unexpected_settings():
            log.warning("settings of the database are not in force", settings=", ".join(differences))
    finally:
        await database.dispose()


def _require_development(settings: Settings, workers: int) -> None:
    if settings.environment == "production":
        fail("--reload is for development, and CONDUIT_ENVIRONMENT is production")
    if workers > 1:
        fail("--reload restarts one process and cannot be combined with --workers")


def _folders(composition: Composition) -> Sequence[Path]:
    """Return the folders of the code; watching the working directory would include its .venv."""
    plugins = (module.package.partition(".")[0] for module in composition.modules)
    packages = [*OWN_PACKAGES, *([PACKAGE] if is_installed() else []), *plugins]
    return [
        Path(folder) for name in dict.fromkeys(packages) for folder in importlib.import_module(name).__path__
    ]


def _exit_cleanly(_signum: int, _frame: FrameType | None) -> NoReturn:
    # After its graceful shutdown, uvicorn raises the signal again. Without this handler the exit code would
    # be 143, or Ctrl-C would print a traceback.
    raise SystemExit(0)


def _ignore(signum: int, _frame: FrameType | None) -> None:
    log.info("signal ignored", signal=signal.Signals(signum).name)


def _shut_down(signum: int, _frame: FrameType | None) -> None:
    """Shut down gracefully when the terminal closes, as after SIGTERM, which uvicorn handles."""
    log.info("shutting down", signal=signal.Signals(signum).name)
    signal.raise_signal(signal.SIGTERM)


def _bind(host: str, port: int) -> socket.socket:
    """Return a socket that refuses connections until the first process that serves makes it listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        fail(f"cannot listen on {host}:{port} ({error.strerror}); choose another with --host and --port")
    bound.set_inheritable(True)
    return bound
