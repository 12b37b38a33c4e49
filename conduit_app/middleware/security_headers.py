"""Security and caching headers of every response."""

import re
from functools import cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_app.middleware.script_sources import hash_source
from modules.kernel.api.authentication import CREDENTIALS_REJECTED

# Raw ASGI headers, with names in lower case: this runs for every request.
RawHeaders = list[tuple[bytes, bytes]]

AUTHORIZATION, ORIGIN, VARY = b"authorization", b"origin", b"vary"
NO_SNIFF = (b"x-content-type-options", b"nosniff")
NO_CACHE, NO_STORE = (b"cache-control", b"no-cache"), (b"cache-control", b"no-store")
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
    9111, 5.2.2); `Vary: Origin` for requests without an `Origin`, `Vary: Authorization` in the API, and
    `WWW-Authenticate` if an invalid token counted as none.
    """

    def __init__(self, app: ASGIApp, *, strict_transport: bool) -> None:
        self._app = app
        self._strict_transport = strict_transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and add the missing headers to its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_private, has_origin = scope["method"] not in SAFE_METHODS, False
        for name, value in scope["headers"]:
            if name == AUTHORIZATION and value.strip():
                is_private = True
            elif name == ORIGIN:
                has_origin = True
        varies_by_caller = scope["method"] in SAFE_METHODS and scope["path"].startswith("/api/")
        is_strict = self._strict_transport and scope["scheme"] == "https"
        added = _headers(is_private, has_origin, varies_by_caller, is_strict)
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


@cache
def _headers(is_private: bool, has_origin: bool, varies_by_caller: bool, is_strict: bool) -> RawHeaders:
    headers = [NO_SNIFF, NO_STORE if is_private else NO_CACHE]
    varying = [b"Authorization"] * varies_by_caller + [b"Origin"] * (not has_origin)
    if varying:
        headers.append((VARY, b", ".join(varying)))
    if is_strict:
        headers.append((b"strict-transport-security", b"max-age=%d" % YEAR_SECONDS))
    return headers


def _policy(page: bytes) -> bytes:
    # Safe to trust: the pages are the framework's and contain no user input.
    return PAGE_POLICY.format(scripts=inline_script_hashes(page)).encode()


def inline_script_hashes(page: bytes) -> str:
    """Return the hashes of a page's inline scripts as CSP source expressions (CSP 3, 2.3.1)."""
    return " ".join(hash_source(script.decode()) for script in INLINE_SCRIPT.findall(page))
