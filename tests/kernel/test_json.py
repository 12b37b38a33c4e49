"""JSON as RFC 8259 has it, and nothing that only Python takes for JSON."""

import httpx2
import pytest

from modules.kernel.api.fields import RequestModel
from modules.kernel.api.router import ModuleRouter
from tests.kernel.error_app import client_of


class Note(RequestModel):
    text: str
    number: int = 0


@pytest.fixture
def client() -> httpx2.AsyncClient:
    router = ModuleRouter()

    @router.post("/notes")
    async def keep(note: Note) -> Note:
        return note

    return client_of(router)


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
async def test_what_is_not_json_is_told_so(client: httpx2.AsyncClient, body: bytes) -> None:
    answer = await post(client, body)
    assert answer.status_code == 422
    assert answer.json() == {"errors": {"body": ["is not valid JSON"]}}


async def test_what_is_json_is_read(client: httpx2.AsyncClient) -> None:
    answer = await post(client, '{"text": "\\ud83d\\udc09 é", "number": 7, "unknown": [{}, {}]}'.encode())
    assert answer.status_code == 200
    assert answer.json() == {"text": "🐉 é", "number": 7}


async def test_one_name_may_stand_in_two_objects(client: httpx2.AsyncClient) -> None:
    answer = await post(client, b'{"text": "a", "more": [{"x": 1}, {"x": 2}]}')
    assert answer.status_code == 200


async def test_a_route_without_a_body_reads_none() -> None:
    router = ModuleRouter()

    @router.post("/bells")
    async def ring() -> str:
        return "rung"

    answer = await post(client_of(router), b"{", "/bells")
    assert answer.status_code == 200


async def test_a_body_that_says_it_is_no_json_is_told_what_to_send(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/notes", content=b'{"text": "a"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422
    assert answer.json() == {"errors": {"body": ["must be a JSON object, sent as application/json"]}}
