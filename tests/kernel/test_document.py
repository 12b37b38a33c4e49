"""What routers say of their operations in the document."""

from collections.abc import Mapping

from fastapi import FastAPI

from modules.kernel.api.examples import Bodies, show_examples
from modules.kernel.api.routing import ModuleRouter, errors
from tests.client import Json

EXAMPLES = {"MakeThing": {"request": {"name": "wheel"}, "201": {"id": 1}, "401": {"errors": None}}}


def operation(examples: Mapping[str, Bodies]) -> Json:
    router = ModuleRouter(examples=examples)

    @router.post("/things", operation_id="MakeThing", status_code=201, responses=errors(401, 422))
    async def make(thing: dict[str, str]) -> dict[str, int]:
        """Make a thing; twice makes two. It is round."""
        return {"id": len(thing)}

    application = FastAPI()
    application.include_router(router, prefix="/api")
    show_examples(application)
    found: Json = application.openapi()["paths"]["/api/things"]["post"]
    return found


def test_an_operation_shows_the_examples_of_its_name() -> None:
    shown = operation(EXAMPLES)
    bodies = {"request": shown["requestBody"]} | shown["responses"]
    assert {name: body["content"]["application/json"].get("example") for name, body in bodies.items()} == {
        "request": {"name": "wheel"},
        "201": {"id": 1},
        "401": {"errors": None},
        "422": None,
    }


def test_an_operation_with_examples_says_what_it_would_say_without() -> None:
    shown, plain = operation(EXAMPLES), operation({})
    for body in (shown["requestBody"], *shown["responses"].values()):
        body["content"]["application/json"].pop("example", None)
    assert shown == plain


def test_an_operation_is_named_by_the_first_sentence_of_its_docstring() -> None:
    assert operation(EXAMPLES)["summary"] == "Make a thing"
