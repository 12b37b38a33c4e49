"""Idempotency-Key: what is sent again is created once.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel, WithJsonSchema

from modules.kernel.domain.idempotency import HEADER, KEY, IdempotencyStore, IdempotentRequest
from modules.kernel.domain.identity import UserId

# A string of structured fields, as the draft has it, or the same without quotes, as most clients send it.
HEADER_VALUE = re.compile(r'(?P<quote>"?)(?P<key>[^"]*)(?P=quote)')

MadeT = TypeVar("MadeT")
ResponseT = TypeVar("ResponseT", bound=BaseModel)


async def _keyed(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description="Names this request, best at random. Sent again within 24 hours with the same body, "
            "it is not done again, and has the first answer.",
        ),
        # Absent is not null: a header has no null.
        WithJsonSchema({"type": "string", "pattern": f'^({KEY.pattern}|"{KEY.pattern}")$'}),
    ] = None,
) -> IdempotentRequest | None:
    if key is None:
        return None
    sent = HEADER_VALUE.fullmatch(key)
    # Nothing before the body holds U+0000, so no two requests have one content.
    parts = (request.method.encode(), request.scope["raw_path"], request.scope["query_string"])
    content = b"\0".join([*parts, await request.body()])
    return IdempotentRequest(sent["key"] if sent else key, content)


IdempotencyKey = Annotated[IdempotentRequest | None, Depends(_keyed)]
"""The request under its key, or None for one that was sent without a key."""


class Idempotency:
    """Answers requests that create something. Each route that answers 201 does so through this."""

    def __init__(self, idempotency: IdempotencyStore) -> None:
        self._idempotency = idempotency

    async def run(
        self,
        request: IdempotentRequest | None,
        caller: UserId,
        make: Callable[[], Awaitable[MadeT]],
        render: Callable[[MadeT], ResponseT],
    ) -> ResponseT | Response:
        """Return what is made, rendered, or, for a repeat, the first answer again, letter by letter.

        Without a key nothing is kept. Raises `IdempotencyKeyReused`, and what `make` raises.
        """
        if request is None:
            return render(await make())

        async def in_json() -> str:
            return render(await make()).model_dump_json(by_alias=True)

        kept = await self._idempotency.run(request, caller, in_json)
        return Response(kept, HTTPStatus.CREATED, media_type="application/json")
