"""A built single-page application, served from the same origin as the API."""

import asyncio
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from conduit_app.middleware.script_sources import script_sources
from modules.kernel.api.conditional import file_etag, joined_header, weak_match
from modules.kernel.api.errors import error_response

Version = tuple[int, int, int]

INDEX = "index.html"
# The page for paths without a file: with one of these, index.html is a prerendered home page (SvelteKit and
# Nuxt; Angular).
FALLBACKS = ("200.html", "index.csr.html", INDEX)
# Where bundlers write files with a content hash in the name: assets/index-DdT3xQ1a.js (Vite),
# static/css/main.8f3b2c1d.css (webpack), _app/immutable/chunks/DdT3xQ1a.js (SvelteKit).
FOLDERS = ("assets", "build", "css", "js", "static", "_app/immutable", "_astro", "_next/static", "_nuxt")
HASHED = re.compile(
    rf"(?:{'|'.join(FOLDERS)})/(?:.*/)?(?:[^/]*[.-])?"
    r"(?:(?P<plain>[0-9a-f]{8,64}|[0-9A-Z]{8}|[0-9A-Z]{16})|(?P<mixed>[A-Za-z0-9_-]{8}))"
    r"\.(?!html)[a-z0-9]+(?:\.map)?"
)
# A name that is a word, or a word with a number, must not pass for a hash: a response cached for a year
# cannot be revoked. So a hash must alternate between kinds of characters often enough; three in ten of
# Vite's short hashes do not, and are revalidated instead.
CHARACTER_RUN = re.compile(r"[A-Z]+|[a-z]+|[0-9]+")
MIN_RUNS = {"plain": 3, "mixed": 5}
# RFC 8615: the only public path that begins with a dot.
WELL_KNOWN = ".well-known"
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
SCRIPTS = "{scripts}"
# Scripts: those of this origin and those that the page itself names, which alone can start workers and
# WebAssembly. Images, styles and fonts: from anywhere, also by plain HTTP, since articles and the templates
# of frontends link to them. So data can leave the page anyway, and requests may go anywhere too.
POLICY = (
    f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval' {SCRIPTS}; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline' https: http:; font-src 'self' data: https: http:; "
    "img-src 'self' data: blob: https: http:; media-src 'self' data: blob: https: http:; "
    "connect-src 'self' data: blob: https: http: wss: ws:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
)


class Frontend:
    """An ASGI middleware that serves the files of a folder, and its fallback page for any other path.

    `about` is also the path of the prerendered page about.html or about/index.html. The fallback page,
    mostly index.html, is what lets the frontend's own routes be opened and reloaded. Paths whose first
    segment is in `reserved` belong to Conduit and are passed on. Pages get the content security policy
    `policy`, by default `POLICY`, in which the sources of their own scripts replace `{scripts}`.
    """

    def __init__(
        self, app: ASGIApp, *, folder: Path, reserved: frozenset[str], policy: str | None = None
    ) -> None:
        self._app = app
        self._folder = folder
        self._files = _Files(directory=folder)
        self._reserved = reserved
        self._policy = POLICY if policy is None else policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Return a file or the fallback page, or call the application."""
        if (
            scope["type"] != "http"
            or scope["method"] not in {"GET", "HEAD"}
            or scope["path"].lstrip("/").partition("/")[0] in self._reserved
        ):
            await self._app(scope, receive, send)
            return
        path = scope["path"].strip("/")
        response = await self._first((path, f"{path}.html", f"{path}/{INDEX}") if path else (INDEX,), scope)
        if response is None and _is_navigation(path, Headers(scope=scope).get("accept", "")):
            response = await self._first(FALLBACKS, scope)
            if response is not None:
                response.headers["Vary"] = "Accept"
        if response is None:
            response = error_response(HTTPStatus.NOT_FOUND, {"path": ["not found"]})
        await response(scope, receive, send)

    async def _first(self, paths: Sequence[str], scope: Scope) -> Response | None:
        for path in paths:
            response = await self._file(path, scope)
            if response is not None:
                return response
        return None

    async def _file(self, path: str, scope: Scope) -> Response | None:
        """Return the file or a 304; None if it does not exist, is hidden or cannot be read."""
        if any(part.startswith(".") and part != WELL_KNOWN for part in path.split("/")):
            return None
        try:
            return await self._with_headers(path, await self._files.get_response(path, scope))
        except (HTTPException, FileNotFoundError, PermissionError):
            return None

    async def _with_headers(self, path: str, response: Response) -> Response:
        headers = MutableHeaders(raw=response.raw_headers)
        headers["Cache-Control"] = IMMUTABLE if _has_content_hash(path) else REVALIDATE
        if path.endswith(".html"):
            page = self._folder / path
            sources = await asyncio.to_thread(_script_sources, page, _version(page.stat()))
            headers["Content-Security-Policy"] = self._policy.replace(SCRIPTS, sources)
        return response


def _has_content_hash(path: str) -> bool:
    match = HASHED.fullmatch(path)
    return match is not None and any(
        match[kind] is not None and len(CHARACTER_RUN.findall(re.sub("[_-]", "", match[kind]))) >= min_runs
        for kind, min_runs in MIN_RUNS.items()
    )


def _is_navigation(path: str, accept: str) -> bool:
    # A missing script must be a 404, not the page; but a username in a path may contain a dot.
    return "." not in path.rpartition("/")[2] or "text/html" in accept


@lru_cache(maxsize=64)
def _script_sources(page: Path, _version: Version) -> str:
    return script_sources(page.read_bytes())


class _Files(StaticFiles):
    """Static files with ETags of their content: a new build may keep the time and size of a file."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if not isinstance(response, FileResponse) or response.stat_result is None:
            return response
        version = _version(response.stat_result)
        # In a thread: a large file takes long to read.
        response.headers["ETag"] = await asyncio.to_thread(_etag, os.fspath(response.path), version)
        if_none_match = joined_header(Headers(scope=scope), "If-None-Match")
        if if_none_match is not None and weak_match(if_none_match, response.headers["ETag"]):
            return NotModifiedResponse(response.headers)
        return response

    def is_not_modified(self, response_headers: Headers, request_headers: Headers) -> bool:  # noqa: ARG002 - Starlette passes both
        """Return False: `get_response` compares the ETag, which is not known here."""
        return False


def _version(stat: os.stat_result) -> Version:
    # ctime, which no program can set.
    return stat.st_ino, stat.st_ctime_ns, stat.st_size


@lru_cache(maxsize=1_000)
def _etag(file: str, _version: Version) -> str:
    return file_etag(Path(file))
