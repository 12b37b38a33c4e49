"""What routers say of their operations in the document."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import Examples, install_examples
from modules.kernel.api.router import ModuleRouter
from tests.client import Json

EXAMPLES = {"MakeThing": {"request": {"name": "wheel"}, "201": {"id": 1}, "401": {"errors": None}}}


def document_of(router: ModuleRouter) -> Json:
    application = FastAPI()
    application.include_router(router, prefix="/api")
    install_examples(application)
    return application.openapi()


def operation(examples: Examples) -> Json:
    router = ModuleRouter(examples=examples)

    @router.post("/things", operation_id="MakeThing", status_code=201, responses=error_responses(401, 422))
    async def make(thing: dict[str, str]) -> dict[str, int]:
        return {"id": len(thing)}

    found: Json = document_of(router)["paths"]["/api/things"]["post"]
    return found


def test_an_operation_shows_the_examples_of_its_name() -> None:
    documented = operation(EXAMPLES)
    bodies = {"request": documented["requestBody"]} | documented["responses"]
    assert {name: body["content"]["application/json"].get("example") for name, body in bodies.items()} == {
        "request": {"name": "wheel"},
        "201": {"id": 1},
        "401": {"errors": None},
        "422": None,
    }


def test_an_operation_with_examples_says_what_it_would_say_without() -> None:
    documented, plain = operation(EXAMPLES), operation({})
    for body in (documented["requestBody"], *documented["responses"].values()):
        body["content"]["application/json"].pop("example", None)
    assert documented == plain


def test_examples_of_an_operation_that_is_not_there_are_no_document() -> None:
    with pytest.raises(LookupError, match="MakeThnig"):
        operation({**EXAMPLES, "MakeThnig": {"201": {"id": 1}}})


@pytest.mark.parametrize("examples", [{}, {"Peek": {"200": {"id": 1}}}])
def test_an_operation_that_the_document_leaves_out_may_have_examples_or_none(examples: Examples) -> None:
    router = ModuleRouter(examples={**EXAMPLES, **examples})

    @router.post("/things", operation_id="MakeThing", status_code=201, responses=error_responses(401))
    async def make(thing: dict[str, str]) -> dict[str, int]:
        return {"id": len(thing)}

    @router.get("/peek", operation_id="Peek", include_in_schema=False)
    async def peek() -> dict[str, int]:
        return {"id": 1}

    assert list(document_of(router)["paths"]) == ["/api/things"]


def test_an_operation_whose_path_takes_slashes_shows_its_examples() -> None:
    router = ModuleRouter(examples={"GetFile": {"200": {"id": 1}}})

    @router.get("/files/{path:path}", operation_id="GetFile")
    async def get(path: str) -> dict[str, int]:
        return {"id": len(path)}

    answer = document_of(router)["paths"]["/api/files/{path}"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["example"] == {"id": 1}


async def single_line() -> None:
    """Make a thing; twice makes two: each is another. It is round."""


async def two_lines() -> None:
    """Return what is there,
    in two lines.

    It is round.
    """  # noqa: D205 - what is looked at


async def nothing() -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        (single_line, "Make a thing; twice makes two: each is another"),
        (two_lines, "Return what is there, in two lines"),
        (nothing, "Nothing"),
    ],
)
def test_an_operation_is_named_by_the_first_sentence_of_its_docstring(
    endpoint: Callable[..., object], name: str
) -> None:
    router = ModuleRouter()
    router.add_api_route("/things", endpoint)
    assert document_of(router)["paths"]["/api/things"]["get"]["summary"] == name
