"""Headers that tell browsers and caches what an answer is not for."""

import base64
import hashlib
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# As ASGI has them: names in lower case. This runs for every request.
RawHeaders = list[tuple[bytes, bytes]]

VARY = b"vary"
POLICY = b"content-security-policy"
YEAR_SECONDS = 31_536_000
SAFE_TO_KEEP = frozenset({"GET", "HEAD", "OPTIONS"})
INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
# For the documentation's own pages: their scripts and styles come from here, and so does what they ask.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SecurityHeadersMiddleware:
    """Adds to each answer what OWASP's HTTP Headers Cheat Sheet asks for.

    nosniff to all; a content security policy to HTML that has none; and with `strict_transport` the
    demand to come by TLS, to whoever has. To caches it says (RFC 9111, 5.2.2) that what is for one
    caller or is no reading is not to be stored, and all else to be asked for again each time, which
    costs a 304; and that the API answers every caller differently.
    """

    def __init__(self, app: ASGIApp, *, strict_transport: bool) -> None:
        self._app = app
        self._strict_transport = strict_transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add headers to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = self._added(scope)
        start: Message | None = None

        async def adding(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                # More than one Vary is one list (RFC 9110, 5.3).
                missing = [header for header in added if header[0] == VARY or header[0] not in present]
                message["headers"] = [*message["headers"], *missing]
                if POLICY not in present and _is_page(message["headers"]):
                    # It waits for the body, whose scripts the policy names.
                    start = message
                    return
            elif start is not None:
                start["headers"].append((POLICY, _policy(message["body"])))
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, adding)

    def _added(self, scope: Scope) -> RawHeaders:
        added = [(b"x-content-type-options", b"nosniff")]
        is_for_one = any(name == b"authorization" for name, _ in scope["headers"])
        is_reading = scope["method"] in SAFE_TO_KEEP
        added.append((b"cache-control", b"no-cache" if is_reading and not is_for_one else b"no-store"))
        if is_reading and scope["path"].startswith("/api/"):
            added.append((VARY, b"Authorization"))
        if self._strict_transport and scope["scheme"] == "https":
            added.append((b"strict-transport-security", b"max-age=%d" % YEAR_SECONDS))
        return added


def _is_page(headers: RawHeaders) -> bool:
    return any(name == b"content-type" and kind.startswith(b"text/html") for name, kind in headers)


def _policy(page: bytes) -> bytes:
    # The pages are the framework's and hold nothing that a caller has sent.
    return PAGE_POLICY.format(scripts=script_sources(page)).encode()


def script_sources(page: bytes) -> str:
    """Return the scripts that stand in a page, as a content security policy names them (CSP 3, 2.3.1)."""
    digests = (hashlib.sha256(script).digest() for script in INLINE_SCRIPT.findall(page))
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
