"""Conditional requests (RFC 9110, 13): doing something only if the caller knows what is there."""

import hashlib
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel, WithJsonSchema
from starlette.datastructures import Headers


def joined_header(headers: Headers, name: str) -> str | None:
    """Return what all lines of `If-Match` or `If-None-Match` say: they are one list (RFC 9110, 5.3)."""
    lines = headers.getlist(name)
    return ", ".join(lines) if lines else None


async def _if_match(
    request: Request,
    _first_line: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="An ETag that a GET of this path gave this caller: act only if it is still the one.",
        ),
        # Absent is not null: a header has no null.
        WithJsonSchema({"type": "string"}),
    ] = None,
) -> str | None:
    return joined_header(request.headers, "If-Match")


IfMatch = Annotated[str | None, Depends(_if_match)]


def entity_tag(body: bytes) -> str:
    """Return the strong tag of an answer: another one whenever a byte is (RFC 9110, 8.8.3)."""
    return _etag(_digest(body).digest())


def file_etag(file: Path) -> str:
    """Return the strong tag of an answer that is this file, which is not read into memory at once.

    Raises `OSError` when it cannot be read.
    """
    with file.open("rb") as opened:
        return _etag(hashlib.file_digest(opened, _digest).digest())


def _digest(body: bytes = b"") -> hashlib.blake2b:
    return hashlib.blake2b(body, digest_size=16)


def _etag(digest: bytes) -> str:
    return f'"{urlsafe_b64encode(digest).decode().rstrip("=")}"'


def strong_match(tags_listed: str, tag: str) -> bool:
    """Return whether `If-Match` lists this tag, or says `*`; a weak one is none of them (13.1.1)."""
    tags = {one.strip() for one in tags_listed.split(",")}
    return tag in tags or tags == {"*"}


def weak_match(tags_listed: str, tag: str) -> bool:
    """Return whether `If-None-Match` lists this tag, as a weak one perhaps, or says `*` (13.1.2)."""
    tags = {one.strip().removeprefix("W/") for one in tags_listed.split(",")}
    return tag in tags or tags == {"*"}


def if_match_holds(answer: BaseModel, if_match: str) -> bool:
    """Return whether `If-Match` names the tag that this answer has when it is sent."""
    return strong_match(if_match, entity_tag(answer.model_dump_json(by_alias=True).encode()))
