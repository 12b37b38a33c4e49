"""CORS (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from modules.kernel.api.errors import error_response


class JsonErrorCORSMiddleware(CORSMiddleware):
    """Starlette's CORS middleware with its errors as JSON instead of plain text."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the response to a preflight request."""
        response = super().preflight_response(request_headers)
        if response.status_code != HTTPStatus.BAD_REQUEST:
            return response
        rejected = bytes(response.body).decode().removeprefix("Disallowed CORS ").split(", ")
        headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return error_response(
            HTTPStatus.BAD_REQUEST, {name: ["is not allowed here"] for name in rejected}, headers
        )
