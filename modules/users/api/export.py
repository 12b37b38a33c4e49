"""The response with the personal data of one user, streamed if it is large."""

import json
from collections.abc import AsyncIterator

from fastapi import Response
from fastapi.responses import StreamingResponse

from modules.kernel.domain.identity import UserId
from modules.kernel.domain.personal_data import PersonalData

MEDIA_TYPE = "application/json"
# In characters. A smaller export is one ordinary response, with a length and an ETag.
CHUNK_LENGTH = 1_048_576


async def export_response(personal_data: PersonalData, user_id: UserId) -> Response:
    """Return an `ExportResponse` with the data of all modules about the user.

    If it is long, it is read while it is sent: an error then ends the connection, and the JSON is
    incomplete.
    """
    chunks = _chunks(_json(personal_data, user_id))
    # Before the headers are sent: most errors are responses.
    first = await anext(chunks)
    second = await anext(chunks, None)
    if second is None:
        return Response(first, media_type=MEDIA_TYPE)
    return StreamingResponse(_joined(first, second, chunks), media_type=MEDIA_TYPE)


async def _json(personal_data: PersonalData, user_id: UserId) -> AsyncIterator[str]:
    yield '{"export":{'
    separator = ""
    async for module, data in personal_data.of(user_id):
        yield f"{separator}{_dump(module)}:{{"
        for number, (kind, value) in enumerate(data.items()):
            yield f"{',' if number else ''}{_dump(kind)}:"
            if isinstance(value, AsyncIterator):
                async for part in _list(value):
                    yield part
            else:
                yield _dump(value)
        yield "}"
        separator = ","
    yield "}}"


async def _list(items: AsyncIterator[object]) -> AsyncIterator[str]:
    separator = "["
    async for item in items:
        yield f"{separator}{_dump(item)}"
        separator = ","
    yield "[]" if separator == "[" else "]"


async def _chunks(parts: AsyncIterator[str]) -> AsyncIterator[bytes]:
    pending, length = [], 0
    async for part in parts:
        pending.append(part)
        length += len(part)
        if length >= CHUNK_LENGTH:
            yield "".join(pending).encode()
            pending, length = [], 0
    if pending:
        yield "".join(pending).encode()


async def _joined(first: bytes, second: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    yield second
    async for chunk in rest:
        yield chunk


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
