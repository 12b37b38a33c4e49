"""Who is in the way of others at the same moment begins again, and is told only when that does not help."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from modules.kernel.api import retries
from modules.kernel.api.fields import RequestModel
from modules.kernel.api.retries import ATTEMPTS
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.errors import ConcurrencyConflict, Unavailable
from tests.kernel.edge import client_of


class Note(RequestModel):
    text: str


@pytest.fixture
def heard() -> list[str]:
    """Return the texts that the handler was given, one for each time that it was called."""
    return []


@pytest.fixture
def refusing(heard: list[str]) -> Callable[[list[Exception]], httpx2.AsyncClient]:
    """Return what makes a client of a handler that raises these, one each time, and then answers."""

    def make(errors: list[Exception]) -> httpx2.AsyncClient:
        router = ModuleRouter()

        @router.post("/notes")
        async def keep(note: Note) -> Note:
            heard.append(note.text)
            if len(heard) <= len(errors):
                raise errors[len(heard) - 1]
            return note

        return client_of(router)

    return make


async def test_a_request_is_handled_again_with_the_same_body(
    refusing: Callable[[list[Exception]], httpx2.AsyncClient], heard: list[str]
) -> None:
    answer = await refusing([ConcurrencyConflict(), ConcurrencyConflict()]).post(
        "/notes", json={"text": "Hello"}
    )
    assert (answer.status_code, answer.json()) == (200, {"text": "Hello"})
    assert heard == ["Hello"] * 3


async def test_a_caller_whom_others_always_get_ahead_of_is_told_to_come_back(
    refusing: Callable[[list[Exception]], httpx2.AsyncClient], heard: list[str]
) -> None:
    errors: list[Exception] = [ConcurrencyConflict()] * 100
    answer = await refusing(errors).post("/notes", json={"text": "Hello"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert len(heard) == ATTEMPTS


async def test_what_may_have_been_done_is_not_done_again(
    refusing: Callable[[list[Exception]], httpx2.AsyncClient], heard: list[str]
) -> None:
    # A connection that breaks at the commit says nothing about whether it was made.
    answer = await refusing([Unavailable()]).post("/notes", json={"text": "Hello"})
    assert answer.status_code == 503
    assert len(heard) == 1


async def test_one_that_takes_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PATIENCE_SECONDS", 0.01)
    router = ModuleRouter()

    @router.get("/notes")
    async def never() -> None:
        await asyncio.Event().wait()

    answer = await client_of(router).get("/notes")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


async def test_a_limit_of_somebody_else_is_no_reason_to_come_back(
    refusing: Callable[[list[Exception]], httpx2.AsyncClient],
) -> None:
    with pytest.raises(TimeoutError):
        await refusing([TimeoutError()]).post("/notes", json={"text": "Hello"})
