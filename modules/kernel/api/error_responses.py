"""The OpenAPI documentation of error responses."""

from http import HTTPStatus
from typing import Any

from modules.kernel.api.errors import GenericErrorModel

DESCRIPTIONS = {
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.CONFLICT: "Conflict: already exists",
    HTTPStatus.PRECONDITION_FAILED: "Precondition failed: the resource has been edited since",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Validation error",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests: retry after the seconds in Retry-After",
}


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI documentation of an operation's error responses, for `responses=`."""
    return {
        status: {"description": DESCRIPTIONS[HTTPStatus(status)], **_error_schema(status)}
        for status in statuses
    }


def _error_schema(status: int) -> dict[str, Any]:
    # FastAPI compiles a model for every operation and status that names one, which takes most of the
    # start-up time. Every operation can return 422; the other statuses refer to its schema.
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return {"model": GenericErrorModel}
    return {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/GenericErrorModel"}}}}
