"""The Idempotency-Key header: a request that is retried takes effect once.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request
from pydantic import WithJsonSchema

from modules.kernel.api.json_response import JsonResponse, ModelT, created
from modules.kernel.domain.idempotency import HEADER, KEY, IdempotencyStore, IdempotentRequest
from modules.kernel.domain.identity import UserId

# A structured-field string, as in the draft, or the same without quotes, as most clients send it.
HEADER_VALUE = re.compile(r'(?P<quote>"?)(?P<key>[^"]*)(?P=quote)')

CreatedT = TypeVar("CreatedT")


async def _idempotent_request(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description="A unique key of this request, such as a random UUID. A retry within 24 hours with "
            "the same key and body takes no effect and returns the first response.",
        ),
        # Not nullable: a header is absent, never null.
        WithJsonSchema({"type": "string", "pattern": f'^({KEY.pattern}|"{KEY.pattern}")$'}),
    ] = None,
) -> IdempotentRequest | None:
    if key is None:
        return None
    value = HEADER_VALUE.fullmatch(key)
    # No part before the body contains U+0000, so that different requests have different contents.
    parts = (request.method.encode(), request.scope["raw_path"], request.scope["query_string"])
    content = b"\0".join([*parts, await request.body()])
    return IdempotentRequest(value["key"] if value else key, content)


IdempotencyKey = Annotated[IdempotentRequest | None, Depends(_idempotent_request)]
"""The request with its idempotency key, or None for a request without one."""


class Idempotency:
    """Runs requests that create something. Every route that returns 201 uses it."""

    def __init__(self, store: IdempotencyStore) -> None:
        self._store = store

    async def run(
        self,
        request: IdempotentRequest | None,
        caller: UserId,
        create: Callable[[], Awaitable[CreatedT]],
        render: Callable[[CreatedT], JsonResponse[ModelT]],
    ) -> JsonResponse[ModelT]:
        """Return what `create` returns, rendered, or, for a retry, the first response byte for byte.

        Without a key nothing is stored. Raises `IdempotencyKeyReused`, and what `create` raises.
        """
        if request is None:
            return created(render(await create()))

        async def create_json() -> str:
            return bytes(render(await create()).body).decode()

        return created(JsonResponse(await self._store.run(request, caller, create_json)))
