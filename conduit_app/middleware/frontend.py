"""A built single-page application, served beside the API on one origin."""

import asyncio
import os
import re
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from conduit_app.middleware.security_headers import script_sources
from modules.kernel.api.conditional import file_etag, joined_header, weak_match
from modules.kernel.api.errors import error_response

Version = tuple[int, int, int]

INDEX = "index.html"
# Where bundlers put files whose content never changes: assets/index-DdT3xQ1a.js (Vite),
# static/css/main.8f3b2c1d.css (webpack), _app/immutable/chunks/DdT3xQ1a.js (SvelteKit).
FOLDERS = ("assets", "build", "css", "js", "static", "_app/immutable", "_astro", "_next/static", "_nuxt")
HASHED = re.compile(
    rf"(?:{'|'.join(FOLDERS)})/(?:.*/)?(?:[^/]*[.-])?"
    r"(?:(?P<plain>[0-9a-f]{8,64}|[0-9A-Z]{8}|[0-9A-Z]{16})|(?P<mixed>[A-Za-z0-9_-]{8}))"
    r"\.(?!html)[a-z0-9]+(?:\.map)?"
)
# A word is no hash, nor is one with a number: nobody can take back what may be kept for a year. So a hash
# goes to and fro between kinds of characters; of Vite's, which are short, three in ten do not enough.
RUN = re.compile(r"[A-Z]+|[a-z]+|[0-9]+")
MIN_RUNS = {"plain": 3, "mixed": 5}
# RFC 8615: the one thing that begins with a dot and is meant for everybody.
WELL_KNOWN = ".well-known"
FOREVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"
# Pictures and styles from anywhere, since authors link to theirs; programs from here only.
POLICY = (
    "default-src 'self'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline' https:; "
    "img-src 'self' data: https: http:; font-src 'self' data: https:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
)


class Frontend:
    """Answers GETs that are not Conduit's own with files, and paths that are no files with the page.

    So the application's own addresses may be opened and reloaded: its router reads them. `reserved` are
    the first parts of the paths that are Conduit's; errors there stay what they are.
    """

    def __init__(self, app: ASGIApp, *, folder: Path, reserved: frozenset[str]) -> None:
        self._app = app
        self._folder = folder
        self._files = _Files(directory=folder)
        self._reserved = reserved

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file or the page, or pass the request on."""
        if (
            scope["type"] != "http"
            or scope["method"] not in {"GET", "HEAD"}
            or scope["path"].lstrip("/").partition("/")[0] in self._reserved
        ):
            await self._app(scope, receive, send)
            return
        path = scope["path"].lstrip("/") or INDEX
        response = await self._file(path, scope)
        if response is None and _may_be_a_page(path, Headers(scope=scope).get("accept", "")):
            response = await self._file(INDEX, scope)
            if response is not None:
                response.headers["Vary"] = "Accept"
        if response is None:
            response = error_response(HTTPStatus.NOT_FOUND, {"path": ["not found"]})
        await response(scope, receive, send)

    async def _file(self, path: str, scope: Scope) -> Response | None:
        """Return the file, or that it has not changed; None if there is none that may be read by all."""
        if any(part.startswith(".") and part != WELL_KNOWN for part in path.split("/")):
            return None
        try:
            return await self._cached(path, await self._files.get_response(path, scope))
        except (HTTPException, FileNotFoundError, PermissionError):
            # There is no such file, or no more, or it may not be read.
            return None

    async def _cached(self, path: str, response: Response) -> Response:
        headers = MutableHeaders(raw=response.raw_headers)
        headers["Cache-Control"] = FOREVER if _is_hashed(path) else ASK_FIRST
        if path.endswith(".html"):
            page = self._folder / path
            headers["Content-Security-Policy"] = await asyncio.to_thread(_policy, page, _version(page.stat()))
        return response


def _is_hashed(path: str) -> bool:
    found = HASHED.fullmatch(path)
    return found is not None and any(
        found[kind] is not None and len(RUN.findall(re.sub("[_-]", "", found[kind]))) >= least
        for kind, least in MIN_RUNS.items()
    )


def _may_be_a_page(path: str, accept: str) -> bool:
    # The page instead of a script that is gone helps nobody; but users may have a dot in their names.
    return "." not in path.rpartition("/")[2] or "text/html" in accept


@lru_cache(maxsize=64)
def _policy(page: Path, _version: Version) -> str:
    return POLICY.format(scripts=script_sources(page.read_bytes()))


class _Files(StaticFiles):
    """Files with tags of their content: Starlette's are of time and size, which a new build may keep."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if not isinstance(response, FileResponse) or response.stat_result is None:
            return response
        version = _version(response.stat_result)
        # In a thread: a film takes a while to read.
        response.headers["ETag"] = await asyncio.to_thread(_etag, os.fspath(response.path), version)
        known = joined_header(Headers(scope=scope), "If-None-Match")
        if known is not None and weak_match(known, response.headers["ETag"]):
            return NotModifiedResponse(response.headers)
        return response

    def is_not_modified(self, response_headers: Headers, request_headers: Headers) -> bool:  # noqa: ARG002 - Starlette gives both
        """Return False: what decides is the tag, which is not known yet."""
        return False


def _version(found: os.stat_result) -> Version:
    # The time of the last change to the file itself, which no program can set.
    return found.st_ino, found.st_ctime_ns, found.st_size


@lru_cache(maxsize=1_000)
def _etag(file: str, _version: Version) -> str:
    return file_etag(Path(file))
