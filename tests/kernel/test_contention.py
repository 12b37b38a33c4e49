"""Who is in the way of others at the same moment begins again, and is told only when that does not help."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from modules.kernel.api import retries
from modules.kernel.api.fields import RequestModel
from modules.kernel.api.retries import MAX_ATTEMPTS
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.errors import ConcurrencyConflict, Unavailable
from tests.kernel.error_app import client_of


class Note(RequestModel):
    text: str


@pytest.fixture
def notifications() -> list[str]:
    """Return the texts that the handler was given, one for each time that it was called."""
    return []


@pytest.fixture
def translating_violations(notifications: list[str]) -> Callable[[list[Exception]], httpx2.AsyncClient]:
    """Return what makes a client of a handler that raises these, one each time, and then answers."""

    def make(errors: list[Exception]) -> httpx2.AsyncClient:
        router = ModuleRouter()

        @router.post("/notes")
        async def keep(note: Note) -> Note:
            notifications.append(note.text)
            if len(notifications) <= len(errors):
                raise errors[len(notifications) - 1]
            return note

        return client_of(router)

    return make


async def test_a_request_is_handled_again_with_the_same_body(
    translating_violations: Callable[[list[Exception]], httpx2.AsyncClient], notifications: list[str]
) -> None:
    answer = await translating_violations([ConcurrencyConflict(), ConcurrencyConflict()]).post(
        "/notes", json={"text": "Hello"}
    )
    assert (answer.status_code, answer.json()) == (200, {"text": "Hello"})
    assert notifications == ["Hello"] * 3


async def test_a_caller_whom_others_always_get_ahead_of_is_told_to_come_back(
    translating_violations: Callable[[list[Exception]], httpx2.AsyncClient], notifications: list[str]
) -> None:
    errors: list[Exception] = [ConcurrencyConflict()] * 100
    answer = await translating_violations(errors).post("/notes", json={"text": "Hello"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert len(notifications) == MAX_ATTEMPTS


async def test_what_may_have_been_done_is_not_done_again(
    translating_violations: Callable[[list[Exception]], httpx2.AsyncClient], notifications: list[str]
) -> None:
    # A connection that breaks at the commit says nothing about whether it was made.
    answer = await translating_violations([Unavailable()]).post("/notes", json={"text": "Hello"})
    assert answer.status_code == 503
    assert len(notifications) == 1


async def test_one_that_takes_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "REQUEST_TIMEOUT_SECONDS", 0.01)
    router = ModuleRouter()

    @router.get("/notes")
    async def never() -> None:
        await asyncio.Event().wait()

    answer = await client_of(router).get("/notes")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


async def test_a_limit_of_somebody_else_is_no_reason_to_come_back(
    translating_violations: Callable[[list[Exception]], httpx2.AsyncClient],
) -> None:
    with pytest.raises(TimeoutError):
        await translating_violations([TimeoutError()]).post("/notes", json={"text": "Hello"})
