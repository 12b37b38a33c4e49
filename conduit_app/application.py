"""The ASGI application: the modules' routes, the middleware and the operators' endpoints."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi_offline import FastAPIOffline
from starlette.middleware import Middleware

from conduit_app.client_network import logged_address
from conduit_app.composition import Composition, SharedServices, compose, resolve_order
from conduit_app.devtools import devtools
from conduit_app.discovery import discover
from conduit_app.lean_imports import without
from conduit_app.lifespan import run_background_tasks
from conduit_app.middleware.body_limit import BodyLimitMiddleware
from conduit_app.middleware.cache_key import CacheKeys
from conduit_app.middleware.cors import JsonErrorCORSMiddleware
from conduit_app.middleware.direct_routes import DirectRouteMiddleware
from conduit_app.middleware.frontend import Frontend
from conduit_app.middleware.head_method import HeadMiddleware
from conduit_app.middleware.overload import OverloadMiddleware
from conduit_app.middleware.plain_requests import PlainRequestMiddleware
from conduit_app.middleware.problem_details import ProblemDetailsMiddleware
from conduit_app.middleware.replica_reads import ReplicaReadsMiddleware
from conduit_app.middleware.request_log import REQUEST_ID, RequestLogMiddleware
from conduit_app.middleware.request_path import RequestPathMiddleware, RootPathMiddleware
from conduit_app.middleware.response_cache import ResponseCacheMiddleware
from conduit_app.middleware.security_headers import SecurityHeadersMiddleware
from conduit_app.middleware.unhandled_errors import UnhandledErrorMiddleware
from conduit_app.middleware.utf8_url import Utf8UrlMiddleware
from conduit_app.observability.event_loop import EventLoopWatchdog
from conduit_app.observability.health import create_health_router
from conduit_app.observability.metrics import Metrics, create_metrics_router
from conduit_app.observability.structured_logging import configure_logging
from conduit_app.observability.tracing import TELEMETRY_OFF, RouteSpanMiddleware, Tracing, trace_collector
from conduit_app.pages.api_reference import create_api_reference_router
from conduit_app.pages.front_page import create_front_page_router
from conduit_app.pages.guides import create_guides_router, guide_links
from conduit_app.route_conflicts import OwnedRoute, described_tags, reject_conflicts, sort_routes
from conduit_app.secret_key import signing_keys
from conduit_app.served_route import ServedRoute
from conduit_app.settings import Settings, SettingsError, load_settings, reject_unknown
from conduit_app.supervision import exiting_with_supervisor
from modules.kernel.api.errors import install_error_handlers
from modules.kernel.api.examples import install_examples
from modules.kernel.api.security_schemes import install_security_schemes
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.engines import DatabaseOptions, OtherUrlError
from modules.kernel.infrastructure.settings import PREFIX
from modules.kernel.module import Module

API = "/api"
DAY_SECONDS = 86_400


def compose_from_settings(settings: Settings) -> Composition:
    """Return the modules that are installed and enabled, wired to the database of the settings.

    Raises `DiscoveryError`, `CompositionError` or `SettingsError`, each with one line for the operator.
    """
    discovered = discover()
    reject_unknown([Settings, *(module.settings for module in discovered if module.settings is not None)])
    modules = resolve_order(discovered, settings.disabled_modules)
    shared = SharedServices(
        open_database(settings), signing_keys(settings), delivery_retention=settings.delivery_retention
    )
    return compose(modules, shared)


def open_database(settings: Settings) -> Database:
    """Return the database of the settings, not connected yet; raise `SettingsError`."""
    try:
        return Database(
            settings.database_url,
            DatabaseOptions(
                synchronous=settings.database_synchronous,
                pool_size=settings.database_pool_size,
                read_url=settings.database_read_url,
                max_replica_lag_seconds=settings.database_max_replica_lag,
                listen_url=settings.database_listen_url,
                prepares_statements=settings.database_prepares_statements,
            ),
            isolates_modules=settings.isolates_modules,
        )
    except OtherUrlError as error:
        raise SettingsError(f"{PREFIX}DATABASE_{error.field.upper()}: {error}") from error
    except ValueError as error:
        raise SettingsError(f"{PREFIX}DATABASE_URL: {error}") from error
    except OSError as error:
        problem = f"cannot create the folder {error.filename}: {error.strerror}"
        raise SettingsError(f"{PREFIX}DATABASE_URL: {problem}") from error


def create_application(
    settings: Settings | None = None, composition: Composition | None = None, tracing: Tracing | None = None
) -> FastAPI:
    """Return the ASGI application, by default for the settings of the environment and without tracing.

    Raises `CompositionError` when routes of two modules conflict.
    """
    settings = settings or load_settings(Settings)
    configure_logging(settings, traced=tracing is not None)
    composition = composition or compose_from_settings(settings)
    if tracing is not None:
        tracing.instrument(composition)
    metrics = Metrics(composition)
    watchdog = EventLoopWatchdog(metrics.observe_stall)
    application = _create_fastapi(settings, composition, tracing, metrics, watchdog)
    module_routes: list[OwnedRoute] = []
    for module in served_modules(composition, settings):
        for create_router in module.routers:
            router = create_router(composition.containers[module.name])
            sort_routes(router)
            application.include_router(router, prefix=API)
            module_routes += [(module.name, route) for route in iter_route_contexts(router.routes)]
    reject_conflicts(module_routes)
    application.openapi_tags = described_tags(served_modules(composition, settings)) or None
    teams = {module.name: module.owner for module in composition.modules}
    routes: dict[object, ServedRoute] = {
        route.endpoint: ServedRoute(f"{API}{route.path}", module, teams[module])
        for module, route in module_routes
    }
    _add_pages(application, composition, settings)
    application.include_router(create_health_router(composition))
    application.include_router(create_metrics_router(metrics))
    install_error_handlers(application)
    install_examples(application)
    install_security_schemes(application)
    route_contexts = list(iter_route_contexts(application.routes))
    reserved = _reserved_prefixes(route_contexts)
    # From the innermost to the outermost.
    if tracing is None:
        # FastAPI names the span of a request when its own router finds the route.
        application.add_middleware(DirectRouteMiddleware, routes=route_contexts)
    root_path = settings.root_path or ""
    _add_root_path(application, root_path, reserved)
    application.add_middleware(
        ResponseCacheMiddleware,
        read_data_version=composition.database.data_version,
        keys=CacheKeys(route_contexts),
        max_size=settings.response_cache_size,
    )
    if settings.frontend_dir is not None:
        application.add_middleware(
            Frontend,
            folder=settings.frontend_dir,
            reserved=reserved,
            policy=settings.frontend_content_security_policy,
        )
    if settings.database_read_url is not None:
        application.add_middleware(ReplicaReadsMiddleware, database=composition.database)
    application.add_middleware(UnhandledErrorMiddleware, routes=routes)
    application.add_middleware(
        OverloadMiddleware, max_requests=settings.max_requests, max_streams=settings.max_streams
    )
    security_headers = Middleware(
        SecurityHeadersMiddleware, strict_transport=settings.environment == "production"
    )
    application.add_middleware(
        PlainRequestMiddleware,
        plain=[security_headers],
        others=[Middleware(HeadMiddleware), security_headers, *_middleware_of_other_requests(settings)],
    )
    application.add_middleware(
        RequestLogMiddleware,
        routes=routes,
        on_response=metrics.observe_request,
        watchdog=watchdog,
        address_of=partial(logged_address, how=settings.log_client_addresses),
        is_console=not settings.logs_json,
    )
    application.add_middleware(RequestPathMiddleware, root_path=root_path)
    if tracing is not None:
        application.add_middleware(RouteSpanMiddleware, routes=routes)
    return application


def _middleware_of_other_requests(settings: Settings) -> Sequence[Middleware]:
    """Return the middleware that `PlainRequestMiddleware` spares plain requests, the outermost first."""
    return [
        Middleware(
            JsonErrorCORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"],
            # Frontends add headers of tools (sentry-trace, X-Requested-With). None of them gives rights here.
            allow_headers=["*"],
            expose_headers=[REQUEST_ID, "ETag", "Link", "Retry-After", "WWW-Authenticate"],
            max_age=DAY_SECONDS,
        ),
        Middleware(ProblemDetailsMiddleware),
        Middleware(
            BodyLimitMiddleware, max_size=settings.max_body_size, max_total_size=settings.max_total_body_size
        ),
        Middleware(Utf8UrlMiddleware),
    ]


def _add_pages(application: FastAPI, composition: Composition, settings: Settings) -> None:
    in_development = settings.environment == "development"
    application.include_router(create_api_reference_router(application))
    application.include_router(create_guides_router(application, with_sources=in_development))
    architecture = devtools("architecture.router") if in_development else None
    if architecture is not None:
        application.include_router(architecture.create_architecture_router(composition, application))
    if settings.frontend_dir is None:
        front_page = create_front_page_router(
            composition, application.version, has_architecture=architecture is not None
        )
        application.include_router(front_page)


def asgi_application(composition: Composition | None = None) -> FastAPI:
    """Return the application that `conduit serve` runs: settings and tracing are those of the environment.

    Raises `SettingsError`.
    """
    settings = load_settings(Settings)
    composition = composition or compose_from_settings(settings)
    # FastAPI imports it only to see that no model is one of its; a module that has some has imported it.
    with without("pydantic.v1"):
        return create_application(settings, composition, _tracing())


def _tracing() -> Tracing | None:
    if trace_collector() is None:
        return None
    from conduit_app.observability.trace_export import (  # noqa: PLC0415 - saves memory without tracing
        create_tracing,
    )

    return create_tracing()


def _reserved_prefixes(routes: Iterable[RouteContext]) -> frozenset[str]:
    paths = [API, *(route.path or "" for route in routes)]
    return frozenset(path.strip("/").partition("/")[0] for path in paths) - {""}


def _add_root_path(application: FastAPI, root_path: str, reserved: frozenset[str]) -> None:
    """Add a root path to the scope of the routes; raise `SettingsError` for a path of Conduit itself."""
    if not root_path:
        return
    if root_path.split("/")[1] in reserved:
        raise SettingsError(f"{PREFIX}ROOT_PATH: {root_path} is a path of Conduit itself")
    application.add_middleware(RootPathMiddleware, root_path=root_path)


def served_modules(composition: Composition, settings: Settings) -> Sequence[Module]:
    """Return the modules whose routes are served; raise `SettingsError` for an unknown one."""
    names = {module.name for module in composition.modules}
    if unknown := set(settings.served_modules) - names:
        problem = f"module {', '.join(sorted(unknown))} is unknown or disabled"
        raise SettingsError(f"{PREFIX}SERVED_MODULES: {problem}")
    served = settings.served_modules or names
    return [module for module in composition.modules if module.name in served]


def _create_fastapi(
    settings: Settings,
    composition: Composition,
    tracing: Tracing | None,
    metrics: Metrics,
    watchdog: EventLoopWatchdog,
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_application: FastAPI) -> AsyncIterator[None]:
        try:
            with watchdog.running():
                async with run_background_tasks(composition), metrics.sampling():
                    with exiting_with_supervisor():
                        yield
            await composition.database.dispose()
        finally:
            if tracing is not None:
                await tracing.close()

    # FastAPIOffline serves the documentation's scripts and styles itself, without a CDN.
    return FastAPIOffline(
        title="Conduit",
        version="1.0.0",
        description=f"The RealWorld API. {guide_links(root_path=settings.root_path or '')}".rstrip(),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=TELEMETRY_OFF if tracing is None else tracing.telemetry,
    )
