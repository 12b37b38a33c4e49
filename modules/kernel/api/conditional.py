"""Conditional requests (RFC 9110, 13): doing something only if the caller knows what is there."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel

IfMatch = Annotated[
    str | None,
    Header(
        description="An ETag that a GET of this path gave to this caller: act only if it is still the one."
    ),
]


def entity_tag(body: bytes) -> str:
    """Return the strong tag of an answer: another one whenever a byte is (RFC 9110, 8.8.3)."""
    return f'"{urlsafe_b64encode(hashlib.blake2b(body, digest_size=16).digest()).decode().rstrip("=")}"'


def is_known(answer: BaseModel, if_match: str) -> bool:
    """Return whether `If-Match` names the tag that this answer has when it is sent, or says `*`.

    A weak tag never matches (13.1.1).
    """
    tags = {tag.strip() for tag in if_match.split(",")}
    return tags == {"*"} or entity_tag(answer.model_dump_json(by_alias=True).encode()) in tags
