"""JSON by RFC 8259, without Python's extensions."""

import json
import re
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import Request
from starlette.exceptions import HTTPException

# A body above the first size is a long text: outside of its strings it has at most the second, in bytes.
# Parsed lists and objects take 25 times as much memory as their JSON.
LONG_TEXT_SIZE = 1_048_576
MAX_SYNTAX_SIZE = 65_536
# Always matches at a quotation mark, so that it takes linear time.
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class StrictJsonRequest(Request):
    """A request whose JSON body is parsed strictly."""

    async def json(self) -> Any:
        """Return the body's value; raise `json.JSONDecodeError` unless it is exactly one.

        Raises `HTTPException` with 413 for a large body that is not mostly text.
        """
        body = await self.body()
        if len(body) > LONG_TEXT_SIZE and not _is_mostly_text(body):
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            # RFC 8259, 8.1: JSON is UTF-8, and a parser may ignore a byte order mark.
            return json.loads(
                body.decode("utf-8-sig"),
                object_pairs_hook=_reject_duplicate_names,
                parse_constant=_reject_constant,
            )
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            # Not UTF-8, a number of 5,000 digits, or 50,000 levels of nesting.
            raise json.JSONDecodeError("unreadable", "", 0) from error


def _is_mostly_text(body: bytes) -> bool:
    syntax_size, end = 0, 0
    for string in STRING.finditer(body):
        # Each string counts too, so that the loop ends early.
        syntax_size += string.start() - end + 1
        end = string.end()
        if syntax_size > MAX_SYNTAX_SIZE:
            return False
    return syntax_size + len(body) - end <= MAX_SYNTAX_SIZE


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 7493, 2.3: parsers disagree about which of two members with the same name counts.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _reject_constant(constant: str) -> NoReturn:
    # NaN and Infinity are Python's extensions of JSON.
    raise ValueError(constant)
