"""ETags and conditional requests (RFC 9110, 13)."""

import hashlib
import re
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from pydantic import WithJsonSchema
from starlette.datastructures import Headers

from modules.kernel.domain.clock import to_iso

# Hexadecimal, of SHA-256: processors compute it in half the time of BLAKE2b.
DIGITS = 32


def joined_header(headers: Headers, name: str) -> str | None:
    """Return all lines of a list header such as `If-Match` as one (RFC 9110, 5.3), or None without any."""
    lines = headers.getlist(name)
    return ", ".join(lines) if lines else None


async def _if_match(
    request: Request,
    _first_line: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The resource's `updatedAt` in double quotes, or the ETag of a GET: the request "
            "fails with 412 if the resource has been edited since.",
        ),
        # Not nullable: a header is absent, never null.
        WithJsonSchema({"type": "string"}),
    ] = None,
) -> str | None:
    return joined_header(request.headers, "If-Match")


IfMatch = Annotated[str | None, Depends(_if_match)]

EDITABLE_ETAG: dict[int | str, dict[str, Any]] = {
    int(HTTPStatus.OK): {
        "headers": {
            "ETag": {
                "description": "For `If-None-Match`, and for `If-Match`: the resource's `updatedAt` and a "
                "digest of the response, separated by a period.",
                "schema": {"type": "string"},
            }
        }
    }
}
"""The OpenAPI documentation of an `editable_etag`, for `responses=` of an operation."""


def entity_tag(body: bytes) -> str:
    """Return the strong ETag of a response body: a digest of its bytes (RFC 9110, 8.8.3)."""
    return f'"{hashlib.sha256(body).hexdigest()[:DIGITS]}"'


def editable_etag(body: bytes, updated_at: datetime) -> str:
    """Return the strong ETag of a response about a resource that was last edited at this moment (in UTC).

    It changes with the response, like any ETag, and has the moment for `editable_match`.
    """
    return f'"{to_iso(updated_at)}.{entity_tag(body)[1:]}'


def file_etag(file: Path) -> str:
    """Return the strong ETag of a file, read in chunks; raise `OSError` when it cannot be read."""
    with file.open("rb") as opened:
        return f'"{hashlib.file_digest(opened, "sha256").hexdigest()[:DIGITS]}"'


def weak_match(tags_listed: str, tag: str) -> bool:
    """Return whether `If-None-Match` lists this ETag, strong or weak, or is `*` (13.1.2)."""
    tags = {listed.strip().removeprefix("W/") for listed in tags_listed.split(",")}
    return tag in tags or tags == {"*"}


def editable_match(tags_listed: str, updated_at: datetime) -> bool:
    """Return whether `If-Match` lists the moment of the last edit in quotes, an ETag with it, or is `*`.

    What others change in the response, such as the number of favorites, does not count: an edit does not
    overwrite it. A weak ETag never matches (13.1.1).
    """
    tag = re.compile(rf'"{re.escape(to_iso(updated_at))}(\.[^"]*)?"')
    tags = {listed.strip() for listed in tags_listed.split(",")}
    return tags == {"*"} or any(tag.fullmatch(listed) for listed in tags)
