"""Conditional requests (RFC 9110, 13): doing something only if the caller knows what is there."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel, WithJsonSchema
from starlette.datastructures import Headers


def conditions(headers: Headers, name: str) -> str | None:
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
    return conditions(request.headers, "If-Match")


IfMatch = Annotated[str | None, Depends(_if_match)]


def entity_tag(body: bytes) -> str:
    """Return the strong tag of an answer: another one whenever a byte is (RFC 9110, 8.8.3)."""
    return f'"{urlsafe_b64encode(hashlib.blake2b(body, digest_size=16).digest()).decode().rstrip("=")}"'


def names(conditions: str, tag: str, *, weakly: bool) -> bool:
    """Return whether conditions name this tag or say `*`.

    A weak tag is taken for a strong one `weakly`, as `If-None-Match` does and `If-Match` does not
    (RFC 9110, 13.1.1 and 13.1.2).
    """
    told = {one.strip() for one in conditions.split(",")}
    if weakly:
        told = {one.removeprefix("W/") for one in told}
    return tag in told or told == {"*"}


def is_known(answer: BaseModel, if_match: str) -> bool:
    """Return whether `If-Match` names the tag that this answer has when it is sent."""
    return names(if_match, entity_tag(answer.model_dump_json(by_alias=True).encode()), weakly=False)
