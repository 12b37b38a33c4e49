"""JSON as RFC 8259 has it, and nothing that only Python takes for JSON."""

import json
from typing import Any, NoReturn

from fastapi import Request


class StrictJsonRequest(Request):
    """A request whose body is read strictly."""

    async def json(self) -> Any:
        """Return the body's value; raise `json.JSONDecodeError` when it has none, or two."""
        body = await self.body()
        try:
            # RFC 8259, 8.1: JSON between systems is UTF-8; a reader may pass over a byte order mark.
            return json.loads(
                body.decode("utf-8-sig"),
                object_pairs_hook=_reject_duplicate_names,
                parse_constant=_reject_constant,
            )
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            # Not UTF-8, a number of 5,000 digits, 50,000 brackets deep.
            raise json.JSONDecodeError("unreadable", "", 0) from error


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 7493: of two values with one name, programs disagree which one counts.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _reject_constant(constant: str) -> NoReturn:
    # NaN and Infinity are Python's idea of JSON, not RFC 8259's.
    raise ValueError(constant)
