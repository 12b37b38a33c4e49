"""The router of a module: what FastAPI's does, with strict JSON, retries and a documentation of its own."""

import inspect
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from modules.kernel.api.cacheable import CACHE_MAX_AGE
from modules.kernel.api.examples import Examples, attach_examples
from modules.kernel.api.retries import Handler, undeterred
from modules.kernel.api.strict_json import StrictJsonRequest


class _Route(APIRoute):
    def get_route_handler(self) -> Handler:
        handle = undeterred(super().get_route_handler())
        if (seconds := self.endpoint.__dict__.get(CACHE_MAX_AGE)) is not None:
            return self._lasting(handle, seconds)
        return handle if self.body_field is None else self._with_strict_json(handle)

    @staticmethod
    def _lasting(handle: Handler, seconds: float) -> Handler:
        async def handle_lasting(request: Request) -> Response:
            request.scope[CACHE_MAX_AGE] = seconds
            return await handle(request)

        return handle_lasting

    @staticmethod
    def _with_strict_json(handle: Handler) -> Handler:
        async def handle_json(request: Request) -> Response:
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return handle_json


class ModuleRouter(APIRouter):
    """A router whose routes read JSON strictly. Every module makes its routers from this.

    In the document, operations are named by the first sentences of their docstrings, and have examples
    if they are given here (`load_examples`).
    """

    def __init__(self, *, tags: list[str] | None = None, examples: Examples | None = None) -> None:
        super().__init__(route_class=_Route, redirect_slashes=False, tags=[*(tags or [])])
        self._examples = examples or {}

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route as FastAPI does, with what the document says of it."""
        if self._examples:
            attach_examples(endpoint, self._examples)
        options["summary"] = options.get("summary") or _first_sentence(endpoint)
        super().add_api_route(path, endpoint, **options)


def _first_sentence(endpoint: Callable[..., Any]) -> str | None:
    paragraph = inspect.cleandoc(endpoint.__doc__ or "").partition("\n\n")[0]
    sentence = " ".join(paragraph.split()).partition(". ")[0]
    return sentence.removesuffix(".") or None
