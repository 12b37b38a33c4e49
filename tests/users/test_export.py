"""The export of personal data: complete JSON, which is not assembled in memory if it is long."""

import json
from collections.abc import AsyncIterator, Mapping
from functools import partial

import pytest
from fastapi.responses import StreamingResponse

from modules.kernel.domain.identity import UserId
from modules.kernel.domain.personal_data import PersonalData
from modules.users.api.export import CHUNK_LENGTH, export_response
from tests.client import Api

ITEM = "\u00e9" * (CHUNK_LENGTH // 4)


class Source:
    """The personal data of a module: so many items, read when they are needed."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.read = 0

    async def data(self, user_id: UserId) -> Mapping[str, object]:
        """Return an iterator, and other JSON values."""
        return {"items": self._items(), "of": user_id, "none": None}

    async def _items(self) -> AsyncIterator[object]:
        for number in range(self._number):
            self.read += 1
            yield {"number": number, "text": ITEM}


def personal_data_of(**sources: Source) -> PersonalData:
    personal_data = PersonalData()
    for module, source in sources.items():
        personal_data.add(module, partial(getattr, source, "data"))
    return personal_data


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_small_export_is_one_response(number: int) -> None:
    response = await export_response(personal_data_of(one=Source(number), two=Source(0)), UserId(7))
    assert not isinstance(response, StreamingResponse)
    items = [{"number": item, "text": ITEM} for item in range(number)]
    assert json.loads(bytes(response.body)) == {
        "export": {
            "one": {"items": items, "of": 7, "none": None},
            "two": {"items": [], "of": 7, "none": None},
        }
    }


async def test_large_export_is_streamed() -> None:
    source = Source(100)
    response = await export_response(personal_data_of(one=source), UserId(7))
    assert isinstance(response, StreamingResponse)
    assert response.media_type == "application/json"
    assert source.read < 10
    chunks = []
    async for chunk in response.body_iterator:
        assert isinstance(chunk, bytes)
        assert len(chunk) < 2 * (CHUNK_LENGTH + len(ITEM))
        chunks.append(chunk)
    items = json.loads(b"".join(chunks))["export"]["one"]["items"]
    assert [item["number"] for item in items] == list(range(100))


async def test_export_has_everything_of_an_account_with_much_data(api: Api) -> None:
    jake = api.as_user("jake")
    articles = [await jake.publish(f"Dragons {number}", body="x" * 100_000) for number in range(25)]
    comments = [await jake.comment(articles[0], f"Comment {number}") for number in range(120)]
    response = await jake.get("/user/export")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    export = response.json()["export"]
    assert [article["slug"] for article in export["articles"]["articles"]] == [
        article["slug"] for article in articles
    ]
    assert [comment["id"] for comment in export["comments"]["comments"]] == [
        comment["id"] for comment in comments
    ]
