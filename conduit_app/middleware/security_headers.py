"""Security and caching headers of every response."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_app.middleware.script_sources import hash_source
from modules.kernel.api.authentication import CREDENTIALS_REJECTED, has_authorization

# Raw ASGI headers, with names in lower case: this runs for every request.
RawHeaders = list[tuple[bytes, bytes]]

VARY = b"vary"
# RFC 6750, 3.1, for a response that is not a 401 too (RFC 9110, 11.6.1).
INVALID_TOKEN = (b"www-authenticate", b'Token error="invalid_token"')
POLICY = b"content-security-policy"
YEAR_SECONDS = 31_536_000
# RFC 9110, 9.2.1
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
# For the documentation's pages, which load scripts, styles and data from this origin only.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SecurityHeadersMiddleware:
    """Adds the headers of OWASP's HTTP Headers Cheat Sheet to each response.

    nosniff; a content security policy to HTML without one; with `strict_transport`, HSTS on HTTPS
    requests; `Cache-Control: no-store` for authenticated or unsafe requests, `no-cache` otherwise (RFC
    9111, 5.2.2); and in the API `Vary: Authorization`, and `WWW-Authenticate` if an invalid token counted as
    none.
    """

    def __init__(self, app: ASGIApp, *, strict_transport: bool) -> None:
        self._app = app
        self._strict_transport = strict_transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and add the missing headers to its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = self._headers_for(scope)
        start: Message | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                present = dict(message["headers"])
                # More than one Vary is one list (RFC 9110, 5.3).
                missing = [header for header in added if header[0] == VARY or header[0] not in present]
                message["headers"] = [*message["headers"], *missing]
                if scope.get(CREDENTIALS_REJECTED):
                    message["headers"].append(INVALID_TOKEN)
                if POLICY not in present and present.get(b"content-type", b"").startswith(b"text/html"):
                    # Sent with the body, whose scripts the policy names.
                    start = message
                    return
            elif start is not None:
                start["headers"].append((POLICY, _policy(message["body"])))
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _headers_for(self, scope: Scope) -> RawHeaders:
        headers = [(b"x-content-type-options", b"nosniff")]
        is_authenticated = has_authorization(scope)
        is_safe = scope["method"] in SAFE_METHODS
        headers.append((b"cache-control", b"no-cache" if is_safe and not is_authenticated else b"no-store"))
        if is_safe and scope["path"].startswith("/api/"):
            headers.append((VARY, b"Authorization"))
        if self._strict_transport and scope["scheme"] == "https":
            headers.append((b"strict-transport-security", b"max-age=%d" % YEAR_SECONDS))
        return headers


def _policy(page: bytes) -> bytes:
    # Safe to trust: the pages are the framework's and contain no user input.
    return PAGE_POLICY.format(scripts=inline_script_hashes(page)).encode()


def inline_script_hashes(page: bytes) -> str:
    """Return the hashes of a page's inline scripts as CSP source expressions (CSP 3, 2.3.1)."""
    return " ".join(hash_source(script.decode()) for script in INLINE_SCRIPT.findall(page))
