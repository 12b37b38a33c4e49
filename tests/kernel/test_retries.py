"""Retries of requests after concurrency conflicts, and the time limit of a request."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from modules.kernel.api import retries, time_limits
from modules.kernel.api.fields import RequestModel
from modules.kernel.api.retries import MAX_ATTEMPTS
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.errors import ConcurrencyConflict, Unavailable
from tests.kernel.error_app import create_client


class Note(RequestModel):
    text: str


@pytest.fixture
def handled() -> list[str]:
    """Return the texts of the handled notes, one for each call of the handler."""
    return []


@pytest.fixture
def create_failing_client(handled: list[str]) -> Callable[[list[Exception]], httpx2.AsyncClient]:
    """Return a factory of clients of a handler that raises these errors, one a call, and then returns."""

    def make(errors: list[Exception]) -> httpx2.AsyncClient:
        router = ModuleRouter()

        @router.post("/notes")
        async def create_note(note: Note) -> Note:
            handled.append(note.text)
            if len(handled) <= len(errors):
                raise errors[len(handled) - 1]
            return note

        return create_client(router)

    return make


async def test_request_is_retried_with_the_same_body(
    create_failing_client: Callable[[list[Exception]], httpx2.AsyncClient], handled: list[str]
) -> None:
    response = await create_failing_client([ConcurrencyConflict(), ConcurrencyConflict()]).post(
        "/notes", json={"text": "Hello"}
    )
    assert (response.status_code, response.json()) == (200, {"text": "Hello"})
    assert handled == ["Hello"] * 3


async def test_persistent_conflict_gets_503_with_retry_after(
    create_failing_client: Callable[[list[Exception]], httpx2.AsyncClient], handled: list[str]
) -> None:
    errors: list[Exception] = [ConcurrencyConflict()] * 100
    response = await create_failing_client(errors).post("/notes", json={"text": "Hello"})
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert len(handled) == MAX_ATTEMPTS


async def test_unavailable_request_is_not_retried(
    create_failing_client: Callable[[list[Exception]], httpx2.AsyncClient], handled: list[str]
) -> None:
    # When the connection breaks during the commit, the transaction may have been committed.
    response = await create_failing_client([Unavailable()]).post("/notes", json={"text": "Hello"})
    assert response.status_code == 503
    assert len(handled) == 1


async def test_request_timeout_gets_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "REQUEST_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(time_limits, "CHECK_INTERVAL_SECONDS", 0.01)
    router = ModuleRouter()

    @router.get("/notes")
    async def wait_forever() -> None:
        await asyncio.Event().wait()

    response = await create_client(router).get("/notes")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")


async def test_timeout_of_the_handler_itself_is_not_a_503(
    create_failing_client: Callable[[list[Exception]], httpx2.AsyncClient],
) -> None:
    with pytest.raises(TimeoutError):
        await create_failing_client([TimeoutError()]).post("/notes", json={"text": "Hello"})
