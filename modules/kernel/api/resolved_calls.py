"""Endpoints whose signatures are read once, when the route is added.

FastAPI reads them at every request, which takes longer than a use case. What it resolves differently, and
every invalid request, is left to FastAPI.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from fastapi import Request
from fastapi.params import Depends, Header, Path, Query
from pydantic import BaseModel, TypeAdapter, ValidationError

SCALARS = frozenset({str, int, type(None)})
JSON = "application/json"


class Unresolvable(Exception):
    """The signature has a parameter that only FastAPI resolves."""


class UnusualRequest(Exception):
    """The request is invalid, or only FastAPI resolves it."""


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter that is read from the path, the query or a header."""

    name: str
    alias: str
    read: Callable[[Request], Mapping[str, str]]
    validate: Callable[[object], object]
    default: object

    def of(self, request: Request) -> object:
        text = self.read(request).get(self.alias)
        if text is not None:
            return self.validate(text)
        if self.default is inspect.Parameter.empty:
            raise UnusualRequest
        return self.default


class ResolvedCall:
    """A function with the parameters that FastAPI would call it with; raises `Unresolvable`."""

    def __init__(
        self,
        call: Callable[..., Awaitable[Any]],
        path_names: Collection[str],
        resolved: list[object] | None = None,
    ) -> None:
        function = call if inspect.isroutine(call) else type(call).__call__
        if not inspect.iscoroutinefunction(function):
            raise Unresolvable
        self.call = call
        # The dependencies so far of the whole route.
        self._resolved = [] if resolved is None else resolved
        self._dependencies: list[tuple[str, ResolvedCall]] = []
        self._parameters: list[_Parameter] = []
        self._query_parameters: list[_Parameter] = []
        self._requests: list[str] = []
        self._body: tuple[str, Callable[[object], object]] | None = None
        for parameter in inspect.signature(call).parameters.values():
            self._add(parameter, path_names)
        defaults = {parameter.name: parameter.default for parameter in self._query_parameters}
        # None if there is a parameter without a default.
        self._query_defaults = None if inspect.Parameter.empty in defaults.values() else defaults

    def _add(self, parameter: inspect.Parameter, path_names: Collection[str]) -> None:
        name, annotation = parameter.name, parameter.annotation
        type_, *metadata = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
        match [item for item in metadata if isinstance(item, Depends | Query | Header | Path)]:
            case [Depends(dependency=dependency, scope=None, use_cache=True)] if dependency is not None:
                # FastAPI calls a dependency once a request, and passes its result to all.
                if dependency in self._resolved:
                    raise Unresolvable
                self._resolved.append(dependency)
                self._dependencies.append((name, ResolvedCall(dependency, path_names, self._resolved)))
            case [Query(alias=alias)]:
                self._query_parameters.append(_text(parameter, type_, alias or name, _query))
            case [Header(alias=alias)] if alias is not None:
                self._parameters.append(_text(parameter, type_, alias, _headers))
            case [] | [Path()] if name in path_names:
                self._parameters.append(_text(parameter, type_, name, _path))
            case [] if type_ is Request:
                self._requests.append(name)
            case [] if isinstance(type_, type) and issubclass(type_, BaseModel) and self._body is None:
                self._body = name, TypeAdapter(type_).validator.validate_python
            case _:
                raise Unresolvable

    async def arguments(self, request: Request) -> dict[str, object]:
        """Return the arguments for a request; raise `UnusualRequest`, or what a dependency raises."""
        arguments: dict[str, object] = {}
        for name, dependency in self._dependencies:
            arguments[name] = await dependency.call(**await dependency.arguments(request))
        if not request.scope["query_string"] and self._query_defaults is not None:
            arguments |= self._query_defaults
            parameters = self._parameters
        else:
            parameters = [*self._parameters, *self._query_parameters]
        try:
            for parameter in parameters:
                arguments[parameter.name] = parameter.of(request)
            if self._body is not None:
                name, validate = self._body
                if request.headers.get("content-type") != JSON:
                    raise UnusualRequest
                arguments[name] = validate(await request.json())
        except (ValidationError, JSONDecodeError) as error:
            raise UnusualRequest from error
        for name in self._requests:
            arguments[name] = request
        return arguments


def _text(
    parameter: inspect.Parameter, type_: object, alias: str, read: Callable[[Request], Mapping[str, str]]
) -> _Parameter:
    # FastAPI reads lists from repeated parameters, and models from several.
    if not SCALARS.issuperset(get_args(type_) if get_origin(type_) is UnionType else (type_,)):
        raise Unresolvable
    validate = TypeAdapter(parameter.annotation).validator.validate_python
    return _Parameter(parameter.name, alias, read, validate, parameter.default)


def _query(request: Request) -> Mapping[str, str]:
    return request.query_params


def _headers(request: Request) -> Mapping[str, str]:
    return request.headers


def _path(request: Request) -> Mapping[str, str]:
    return request.path_params
