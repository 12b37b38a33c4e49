"""JSON by RFC 8259, without Python's extensions."""

import json
from typing import Any, NoReturn

from fastapi import Request


class StrictJsonRequest(Request):
    """A request whose JSON body is parsed strictly."""

    async def json(self) -> Any:
        """Return the body's value; raise `json.JSONDecodeError` unless it is exactly one."""
        body = await self.body()
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


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 7493, 2.3: parsers disagree about which of two members with the same name counts.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _reject_constant(constant: str) -> NoReturn:
    # NaN and Infinity are Python's extensions of JSON.
    raise ValueError(constant)
