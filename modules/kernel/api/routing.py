"""The router of a module: what FastAPI's does, with JSON as RFC 8259 has it and documented errors."""

import asyncio
import inspect
import json
import math
import secrets
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from modules.kernel.api.errors import GenericErrorModel
from modules.kernel.api.examples import Examples, have_examples
from modules.kernel.domain.errors import Contended, Unavailable

DESCRIPTIONS = {
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.CONFLICT: "Conflict: it exists already",
    HTTPStatus.PRECONDITION_FAILED: "It has changed since the If-Match",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request breaks a rule",
    HTTPStatus.TOO_MANY_REQUESTS: "Too often: Retry-After says when to come back",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the errors that an operation may answer with."""
    return {
        status: {"description": DESCRIPTIONS[HTTPStatus(status)], **_shape(status)} for status in statuses
    }


def _shape(status: int) -> dict[str, Any]:
    # FastAPI compiles a model for every operation and status that names one, which is most of what
    # starting takes. Every operation can answer 422; the others refer to what that one declares.
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return {"model": GenericErrorModel}
    return {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/GenericErrorModel"}}}}


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _Request(Request):
    async def json(self) -> Any:
        """Return the body's value; raise `json.JSONDecodeError` when it has none, or two."""
        body = await self.body()
        try:
            # RFC 8259, 8.1: JSON between systems is UTF-8; a reader may pass over a byte order mark.
            return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_refuse)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            # Not UTF-8, a number of 5,000 digits, 50,000 brackets deep.
            raise json.JSONDecodeError("unreadable", "", 0) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 7493: of two values with one name, programs disagree which one counts.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _refuse(constant: str) -> NoReturn:
    # NaN and Infinity are Python's idea of JSON, not RFC 8259's.
    raise ValueError(constant)


EndpointT = TypeVar("EndpointT", bound=Callable[..., object])

LASTING = "conduit.lasting"
"""Where a request's ASGI scope says that its answer lasts: for so many seconds at most."""


def lasting(endpoint: EndpointT) -> EndpointT:
    """Mark an endpoint whose answer lasts until the database changes.

    It depends on the URL, on who asks and on the database, and on nothing else: not on the time, on
    chance, or on another header. The application may give such an answer again without asking.
    """
    return lasting_for(math.inf)(endpoint)


def lasting_for(seconds: float) -> Callable[[EndpointT], EndpointT]:
    """Mark an endpoint whose answer depends on the time too, and may be so many seconds old.

    Besides, it lasts as `lasting` says: until the database changes.
    """

    def mark(endpoint: EndpointT) -> EndpointT:
        endpoint.__dict__[LASTING] = seconds
        return endpoint

    return mark


ATTEMPTS = 5
"""How often a request is handled before its caller is told that others are always in the way."""

PATIENCE_SECONDS = 45.0
"""How long handling one may take in all: longer than whatever has a limit of its own, such as statements."""


class _Route(APIRoute):
    def get_route_handler(self) -> Handler:
        handle = self._undeterred(super().get_route_handler())
        if (seconds := self.endpoint.__dict__.get(LASTING)) is not None:
            return self._lasting(handle, seconds)
        return handle if self.body_field is None else self._reading_json(handle)

    @staticmethod
    def _undeterred(handle: Handler) -> Handler:
        # All of it again, because all of it was undone: what was read before may be another now. The
        # body of the request was read and is kept; no answer has left, since use cases commit first.
        async def handle_again(request: Request) -> Response:
            for attempt in range(1, ATTEMPTS):
                try:
                    return await handle(request)
                except Contended:
                    # Not all at the same moment again.
                    await asyncio.sleep(secrets.randbelow(10 * 2**attempt) / 1000)
            return await handle(request)

        async def handle_in_time(request: Request) -> Response:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS) as limit:
                    return await handle_again(request)
            except TimeoutError as error:
                if not limit.expired():
                    raise
                # A server that takes a statement and never answers, frozen, has nothing else to end it.
                raise Unavailable from error

        return handle_in_time

    @staticmethod
    def _lasting(handle: Handler, seconds: float) -> Handler:
        async def handle_lasting(request: Request) -> Response:
            request.scope[LASTING] = seconds
            return await handle(request)

        return handle_lasting

    @staticmethod
    def _reading_json(handle: Handler) -> Handler:
        async def handle_json(request: Request) -> Response:
            return await handle(_Request(request.scope, request.receive))

        return handle_json


class ModuleRouter(APIRouter):
    """A router whose routes read JSON strictly. Every module makes its routers from this.

    In the document, operations are named by the first sentences of their docstrings, and have examples
    if they are given here (`examples_beside`).
    """

    def __init__(self, *, tags: list[str] | None = None, examples: Examples | None = None) -> None:
        super().__init__(route_class=_Route, redirect_slashes=False, tags=[*(tags or [])])
        self._examples = examples or {}

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route as FastAPI does, with what the document says of it."""
        if self._examples:
            have_examples(endpoint, self._examples)
        options["summary"] = options.get("summary") or _first_sentence(endpoint)
        super().add_api_route(path, endpoint, **options)


def _first_sentence(endpoint: Callable[..., Any]) -> str | None:
    paragraph = inspect.cleandoc(endpoint.__doc__ or "").partition("\n\n")[0]
    sentence = " ".join(paragraph.split()).partition(". ")[0]
    return sentence.removesuffix(".") or None
