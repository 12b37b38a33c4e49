"""Requests of pages from other origins (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from modules.kernel.api.errors import error_response


class JsonErrorCORSMiddleware(CORSMiddleware):
    """Starlette's middleware, which refuses in the one shape of errors and not in plain text."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return what a browser is told that asks before it asks."""
        answer = super().preflight_response(request_headers)
        if answer.status_code != HTTPStatus.BAD_REQUEST:
            return answer
        refused = bytes(answer.body).decode().removeprefix("Disallowed CORS ").split(", ")
        headers = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        return error_response(
            HTTPStatus.BAD_REQUEST, {name: ["is not allowed here"] for name in refused}, headers
        )
