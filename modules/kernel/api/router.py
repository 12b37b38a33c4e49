"""The router of a module: FastAPI's, with strict JSON, retries, a time limit and OpenAPI examples."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, get_args, get_origin

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute, RouteContext

from modules.kernel.api.cacheable import CACHE_MAX_AGE
from modules.kernel.api.examples import Examples, attach_examples
from modules.kernel.api.json_response import JsonResponse
from modules.kernel.api.resolved_calls import ResolvedCall, Unresolvable
from modules.kernel.api.retries import Handler, with_retries_and_timeout
from modules.kernel.api.strict_json import StrictJsonRequest
from modules.kernel.domain.identity import write_authorization

# FastAPI takes the docstring instead of an empty description, and cuts a description off at a form feed:
# once when the route is added, and again when its router is included.
NO_DESCRIPTION = "\f"


class DirectRoute(NamedTuple):
    """How to call an endpoint without FastAPI."""

    handle: Handler
    """Returns the response; raises what the endpoint raises, or `UnusualRequest` before calling it."""

    request_class: type[Request]


class _Route(APIRoute):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.description = self.description or NO_DESCRIPTION

    def get_route_handler(self) -> Handler:
        handle = self._handler(super().get_route_handler())
        return handle if self.body_field is None else self._with_strict_json(handle)

    def direct(self) -> DirectRoute | None:
        if get_origin(inspect.signature(self.endpoint).return_annotation) is not JsonResponse:
            return None
        try:
            call = ResolvedCall(self.endpoint, self.param_convertors)
        except Unresolvable:
            return None
        endpoint, arguments = self.endpoint, call.arguments

        async def handle(request: Request) -> Response:
            response: Response = await endpoint(**await arguments(request))
            return response

        return DirectRoute(self._handler(handle), Request if self.body_field is None else StrictJsonRequest)

    def _handler(self, handle: Handler) -> Handler:
        handle = _with_own_authorization(with_retries_and_timeout(handle))
        max_age = self.endpoint.__dict__.get(CACHE_MAX_AGE)
        return handle if max_age is None else self._cacheable(handle, max_age)

    @staticmethod
    def _cacheable(handle: Handler, max_age: float) -> Handler:
        async def handle_cacheable(request: Request) -> Response:
            request.scope[CACHE_MAX_AGE] = max_age
            return await handle(request)

        return handle_cacheable

    @staticmethod
    def _with_strict_json(handle: Handler) -> Handler:
        async def handle_json(request: Request) -> Response:
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return handle_json


def direct_route(route: RouteContext) -> DirectRoute | None:
    """Return how to call the endpoint of a route without FastAPI, or None if only FastAPI can call it."""
    # Dependencies without a parameter, of the route and of what includes it, are FastAPI's to resolve.
    if not isinstance(route.original_route, _Route) or route.dependencies:
        return None
    return route.original_route.direct()


def _with_own_authorization(handle: Handler) -> Handler:
    async def handle_request(request: Request) -> Response:
        # Two requests in one task, as in tests, must not share the authorization of the first one.
        previous = write_authorization.set(None)
        try:
            return await handle(request)
        finally:
            write_authorization.reset(previous)

    return handle_request


class ModuleRouter(APIRouter):
    """The router class of every module.

    In the OpenAPI document, an operation's summary is the first sentence of its docstring, its description
    is the rest, and its examples are those given here (`load_examples`).
    """

    def __init__(self, *, tags: list[str] | None = None, examples: Examples | None = None) -> None:
        super().__init__(route_class=_Route, redirect_slashes=False, tags=[*(tags or [])])
        self._examples = examples or {}

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route as FastAPI does, with its examples, wording and, of a `JsonResponse`, its model."""
        if self._examples:
            attach_examples(endpoint, self._examples)
        summary, rest = _documentation(endpoint)
        options["summary"] = options.get("summary") or summary
        options["description"] = options.get("description") or rest or NO_DESCRIPTION
        returned = inspect.signature(endpoint).return_annotation
        if get_origin(returned) is JsonResponse:
            (options["response_model"],) = get_args(returned)
        super().add_api_route(path, endpoint, **options)


def _documentation(endpoint: Callable[..., Any]) -> tuple[str | None, str]:
    """Return the first sentence of the docstring, and the rest."""
    paragraph, _, others = inspect.cleandoc(endpoint.__doc__ or "").partition("\n\n")
    sentence, _, rest = " ".join(paragraph.split()).partition(". ")
    return sentence.removesuffix(".") or None, f"{rest}\n\n{others}".strip()
