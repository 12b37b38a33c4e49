"""CORS (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from conduit_app.middleware.security_headers import ORIGIN
from modules.kernel.api.errors import error_response


class JsonErrorCORSMiddleware(CORSMiddleware):
    """Starlette's CORS middleware with its errors as JSON instead of plain text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; without an Origin, only the `Vary` of its response concerns CORS."""
        if scope["type"] == "http" and ORIGIN in dict(scope["headers"]):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the response to a preflight request."""
        response = super().preflight_response(request_headers)
        if response.status_code != HTTPStatus.BAD_REQUEST:
            return response
        rejected = bytes(response.body).decode().removeprefix("Disallowed CORS ").split(", ")
        # Without the requested headers, which an error does not repeat.
        headers = {
            name: value
            for name, value in response.headers.items()
            if not name.startswith("content-") and name != "access-control-allow-headers"
        }
        return error_response(
            HTTPStatus.BAD_REQUEST, {name: ["is not allowed here"] for name in rejected}, headers
        )
