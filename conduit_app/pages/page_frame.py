"""The frame of the HTML pages, the links between them, and their content security policy."""

import base64
import hashlib
import posixpath
from collections.abc import Mapping
from html import escape

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

# Linked if the application serves them.
PAGES = {"/": "Conduit", "/docs": "API", "/docs/guides": "Guides", "/architecture": "Architecture"}


def relative_link(target: str, page: str) -> str:
    """Return a link to a path and anchor: relative, so that it is valid behind a proxy's prefix."""
    path, hash_, anchor = target.partition("#")
    if path == page and anchor:
        return f"#{anchor}"
    folder, name = posixpath.split(path)
    return f"{posixpath.relpath(folder, posixpath.dirname(page))}/{name}{hash_}{anchor}"


def top_bar(application: FastAPI, page: str, search: str = "") -> str:
    """Return the navigation between the pages, with the one of this path marked, and a search form."""
    served = {route.path for route in iter_route_contexts(application.routes)}
    links = "".join(
        f'<a href="{relative_link(path, page)}"{_current(path, page)}>{name}</a>'
        for path, name in PAGES.items()
        if path in served
    )
    return f'<nav class="top" aria-label="Pages"><span>{links}</span>{search}</nav>'


def _current(path: str, page: str) -> str:
    if path == page:
        return ' aria-current="page"'
    return ' aria-current="true"' if path == "/docs/guides" and page.startswith("/docs/") else ""


def page_headers(style: str, script: str = "", *, more: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Return headers that allow the page its inline style and script, and `more` of the policy (CSP 3)."""
    policy = {
        "default-src": "'none'",
        "style-src": _hash_source(style),
        **({"script-src": _hash_source(script)} if script else {}),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        **(more or {}),
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def html_page(title: str, style: str, body: str, script: str = "", head: str = "") -> str:
    """Return the page with this body, the script after it, and `head` before the style.

    Only the title is escaped.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>{escape(title)}</title>
{head}<style>{style}</style>
</head>
<body>
{body}
{f"<script>{script}</script>" if script else ""}
</body>
</html>
"""


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
