"""Error responses: one table from domain errors to statuses, one shape for all of them."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from itertools import islice

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from modules.kernel.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    ReadOnly,
    Stale,
    Unauthenticated,
    Unavailable,
)
from modules.kernel.domain.text import BLANK

STATUSES: Mapping[type[DomainError], HTTPStatus] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

# RFC 9110: WWW-Authenticate of a 401 (11.6.1), Retry-After of a 503 (10.2.3).
HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Token"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"},
}

# Subject and problem of the errors that the framework raises, by status.
PROBLEMS: Mapping[int, tuple[str, str]] = {
    HTTPStatus.BAD_REQUEST: ("body", "is not valid JSON"),
    HTTPStatus.NOT_FOUND: ("path", "not found"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method", "is not allowed here"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body", "is too large"),
}

# A response describes no more validation errors than this.
MAX_ERRORS = 20

# Messages for Pydantic's error types, with the values of its context; other types have Pydantic's message.
# None contains the input.
MESSAGES: Mapping[str, str] = {
    "missing": BLANK,
    "string_type": "must be a string",
    "string_unicode": "must not contain lone surrogates",
    "list_type": "must be a list",
    "too_long": "has too many items (at most {max_length})",
    "json_invalid": "is not valid JSON",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_parsing_size": "has too many digits",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_too_short": "is too short (at least {min_length} characters)",
    "string_too_long": "is too long (at most {max_length} characters)",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object, sent as application/json",
}


ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]


class GenericErrorModel(BaseModel):
    """The body of every error response: messages by subject."""

    errors: dict[str, list[str]]


def error_response(
    status: int, errors: Mapping[str, Sequence[str]], headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error response; it varies by `Accept`, as some callers get problem details instead."""
    return JSONResponse(
        {"errors": errors}, status_code=int(status), headers={"Vary": "Accept", **(headers or {})}
    )


def install_error_handlers(application: FastAPI) -> None:
    """Install the handlers that turn domain, validation and HTTP errors into error responses."""
    for kind, handler in _HANDLERS.items():
        application.add_exception_handler(kind, handler)


def error_handler(error: Exception) -> ErrorHandler | None:
    """Return the handler that turns an error into a response, or None for an error that is a fault."""
    return next((_HANDLERS[kind] for kind in type(error).__mro__ if kind in _HANDLERS), None)


async def _domain_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 - registered for this class
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    errors = {subject: [problem] for subject, problem in error.problems.items()}
    headers = (
        {"Retry-After": str(error.retry_after_seconds)}
        if isinstance(error, RateLimited | ReadOnly)
        else HEADERS.get(status)
    )
    return error_response(status, errors, headers)


async def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    errors: defaultdict[str, list[str]] = defaultdict(list)
    for problem in islice(error.errors(), MAX_ERRORS):
        # The innermost name is the field's; numbers are indexes of a list or a text.
        field = [part for part in problem["loc"] if isinstance(part, str)][-1]
        template = MESSAGES.get(problem["type"])
        message = problem["msg"] if template is None else template.format_map(problem.get("ctx", {}))
        if message not in errors[field]:
            errors[field].append(message)
    return error_response(HTTPStatus.UNPROCESSABLE_ENTITY, errors)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    subject, problem = PROBLEMS.get(error.status_code, ("request", str(error.detail)))
    # FastAPI returns 400 for an unreadable body; the API has 422 for every invalid body.
    malformed = error.status_code == HTTPStatus.BAD_REQUEST
    status = HTTPStatus.UNPROCESSABLE_ENTITY if malformed else error.status_code
    headers = _allow_header(request) if status == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return error_response(status, {subject: [problem]}, headers)


def _allow_header(request: Request) -> Mapping[str, str]:
    # RFC 9110, 15.5.6: every method of the path. Starlette names those of the first matching route only.
    methods: dict[str, set[str]] = defaultdict(set)
    for route in iter_route_contexts(request.app.routes):
        if route.path and compile_path(route.path)[0].match(get_route_path(request.scope)):
            methods[route.path] |= route.methods or set()
    # The first matching path serves the request: /articles/feed, not /articles/{slug}.
    allowed = next(iter(methods.values()))
    if "GET" in allowed:
        # RFC 9110, 9.1: HEAD wherever there is GET; the application processes it as one.
        allowed = allowed | {"HEAD"}
    return {"Allow": ", ".join(sorted(allowed))}


_HANDLERS: Mapping[type[Exception], ErrorHandler] = {
    DomainError: _domain_error,
    RequestValidationError: _validation_error,
    HTTPException: _http_error,
}
