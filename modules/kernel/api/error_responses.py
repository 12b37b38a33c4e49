"""What the document says of errors that an operation may answer with."""

from http import HTTPStatus
from typing import Any

from modules.kernel.api.errors import GenericErrorModel

DESCRIPTIONS = {
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.CONFLICT: "Conflict: it exists already",
    HTTPStatus.PRECONDITION_FAILED: "It has changed since the If-Match",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request breaks a rule",
    HTTPStatus.TOO_MANY_REQUESTS: "Too often: Retry-After says when to come back",
}


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the errors that an operation may answer with."""
    return {
        status: {"description": DESCRIPTIONS[HTTPStatus(status)], **_error_schema(status)}
        for status in statuses
    }


def _error_schema(status: int) -> dict[str, Any]:
    # FastAPI compiles a model for every operation and status that names one, which is most of what
    # starting takes. Every operation can answer 422; the others refer to what that one declares.
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return {"model": GenericErrorModel}
    return {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/GenericErrorModel"}}}}
