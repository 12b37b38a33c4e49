"""JSON by RFC 8259, without Python's extensions."""

import httpx2
import pytest

from modules.kernel.api.fields import RequestModel
from modules.kernel.api.router import ModuleRouter
from tests.kernel.error_app import create_client


class Note(RequestModel):
    text: str
    number: int = 0


@pytest.fixture
def client() -> httpx2.AsyncClient:
    router = ModuleRouter()

    @router.post("/notes")
    async def create_note(note: Note) -> Note:
        return note

    return create_client(router)


async def post(client: httpx2.AsyncClient, body: bytes, path: str = "/notes") -> httpx2.Response:
    return await client.post(path, content=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"'text'", id="not JSON at all"),
        pytest.param(b" ", id="white space only"),
        pytest.param(b'{"text": "a"} {"text": "b"}', id="two values"),
        pytest.param(b'{"text": "a", "text": "b"}', id="one name twice"),
        pytest.param(b'{"text": "a", "more": {"x": 1, "x": 1}}', id="one name twice, deeper"),
        pytest.param(b'{"text": "a", "number": NaN}', id="NaN"),
        pytest.param(b'{"text": "a", "number": Infinity}', id="Infinity"),
        pytest.param(b'{"text": "a", "number": -Infinity}', id="-Infinity"),
        pytest.param(b'{"text": "a", "number": ' + b"9" * 5_000 + b"}", id="a number of 5,000 digits"),
        pytest.param(b'{"text": "\xff"}', id="not UTF-8"),
        pytest.param(b"[" * 50_000 + b"]" * 50_000, id="50,000 brackets deep"),
    ],
)
async def test_invalid_json_gets_422(client: httpx2.AsyncClient, body: bytes) -> None:
    response = await post(client, body)
    assert response.status_code == 422
    assert response.json() == {"errors": {"body": ["is not valid JSON"]}}


async def test_valid_json_is_parsed(client: httpx2.AsyncClient) -> None:
    response = await post(client, '{"text": "\\ud83d\\udc09 é", "number": 7, "unknown": [{}, {}]}'.encode())
    assert response.status_code == 200
    assert response.json() == {"text": "🐉 é", "number": 7}


async def test_same_name_in_two_objects_is_valid(client: httpx2.AsyncClient) -> None:
    response = await post(client, b'{"text": "a", "more": [{"x": 1}, {"x": 2}]}')
    assert response.status_code == 200


async def test_route_without_body_ignores_body() -> None:
    router = ModuleRouter()

    @router.post("/bells")
    async def ring() -> str:
        return "rung"

    response = await post(create_client(router), b"{", "/bells")
    assert response.status_code == 200


async def test_other_content_type_gets_422(client: httpx2.AsyncClient) -> None:
    response = await client.post("/notes", content=b'{"text": "a"}', headers={"Content-Type": "text/plain"})
    assert response.status_code == 422
    assert response.json() == {"errors": {"body": ["must be a JSON object, sent as application/json"]}}
