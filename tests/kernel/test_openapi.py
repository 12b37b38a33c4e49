"""Operations in the OpenAPI document: examples and summaries."""

from collections.abc import Callable
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI

from modules.kernel.api.authentication import Authentication
from modules.kernel.api.error_responses import error_responses
from modules.kernel.api.examples import Examples, install_examples
from modules.kernel.api.router import ModuleRouter
from modules.kernel.api.security_schemes import install_security_schemes
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import FakeTokenVerifier
from tests.client import Json

EXAMPLES = {"MakeThing": {"request": {"name": "wheel"}, "201": {"id": 1}, "401": {"errors": None}}}


def create_document(router: ModuleRouter) -> Json:
    application = FastAPI()
    application.include_router(router, prefix="/api")
    install_examples(application)
    install_security_schemes(application)
    return application.openapi()


def operation(examples: Examples) -> Json:
    router = ModuleRouter(examples=examples)

    @router.post("/things", operation_id="MakeThing", status_code=201, responses=error_responses(401, 422))
    async def make(thing: dict[str, str]) -> dict[str, int]:
        return {"id": len(thing)}

    documented: Json = create_document(router)["paths"]["/api/things"]["post"]
    return documented


def test_operation_shows_its_examples() -> None:
    documented = operation(EXAMPLES)
    bodies = {"request": documented["requestBody"]} | documented["responses"]
    assert {name: body["content"]["application/json"].get("example") for name, body in bodies.items()} == {
        "request": {"name": "wheel"},
        "201": {"id": 1},
        "401": {"errors": None},
        "422": None,
    }


def test_examples_change_nothing_else_of_operation() -> None:
    documented, plain = operation(EXAMPLES), operation({})
    for body in (documented["requestBody"], *documented["responses"].values()):
        body["content"]["application/json"].pop("example", None)
    assert documented == plain


def test_examples_of_unknown_operation_raise_lookup_error() -> None:
    with pytest.raises(LookupError, match="MakeThnig"):
        operation({**EXAMPLES, "MakeThnig": {"201": {"id": 1}}})


@pytest.mark.parametrize("examples", [{}, {"Peek": {"200": {"id": 1}}}])
def test_operation_outside_document_may_have_examples(examples: Examples) -> None:
    router = ModuleRouter(examples={**EXAMPLES, **examples})

    @router.post("/things", operation_id="MakeThing", status_code=201, responses=error_responses(401))
    async def make(thing: dict[str, str]) -> dict[str, int]:
        return {"id": len(thing)}

    @router.get("/peek", operation_id="Peek", include_in_schema=False)
    async def peek() -> dict[str, int]:
        return {"id": 1}

    assert list(create_document(router)["paths"]) == ["/api/things"]


def test_operation_with_path_converter_shows_its_examples() -> None:
    router = ModuleRouter(examples={"GetFile": {"200": {"id": 1}}})

    @router.get("/files/{path:path}", operation_id="GetFile")
    async def get(path: str) -> dict[str, int]:
        return {"id": len(path)}

    response = create_document(router)["paths"]["/api/files/{path}"]["get"]["responses"]["200"]
    assert response["content"]["application/json"]["example"] == {"id": 1}


async def single_line() -> None:
    """Create a thing; not idempotent: each call creates one. It is round."""


async def two_lines() -> None:
    """Return the things,
    in two lines.

    It is round.
    """  # noqa: D205 - the case under test


async def one_sentence() -> None:
    """Return a thing."""


async def nothing() -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "summary", "description"),
    [
        (single_line, "Create a thing; not idempotent: each call creates one", "It is round."),
        (two_lines, "Return the things, in two lines", "It is round."),
        (one_sentence, "Return a thing", None),
        (nothing, "Nothing", None),
    ],
)
def test_description_does_not_repeat_the_summary(
    endpoint: Callable[..., object], summary: str, description: str | None
) -> None:
    """The summary is the first sentence of the docstring, the description the rest."""
    router = ModuleRouter()
    router.add_api_route("/things", endpoint)
    documented = create_document(router)["paths"]["/api/things"]["get"]
    assert (documented["summary"], documented.get("description")) == (summary, description)


def test_authentication_is_by_either_scheme_and_may_be_optional() -> None:
    authentication = Authentication(FakeTokenVerifier())
    router = ModuleRouter()

    @router.get("/required")
    async def required(caller: Annotated[UserId, Depends(authentication.required)]) -> int:
        return caller

    @router.get("/optional")
    async def optional(caller: Annotated[UserId | None, Depends(authentication.optional)]) -> int | None:
        return caller

    router.add_api_route("/public", nothing)
    document = create_document(router)
    security = {path: item["get"].get("security") for path, item in document["paths"].items()}
    assert security == {
        "/api/required": [{"Token": []}, {"Bearer": []}],
        "/api/optional": [{}, {"Token": []}, {"Bearer": []}],
        "/api/public": None,
    }
    schemes = document["components"]["securitySchemes"]
    assert {name: (scheme["type"], scheme.get("scheme")) for name, scheme in schemes.items()} == {
        "Token": ("apiKey", None),
        "Bearer": ("http", "bearer"),
    }


def test_document_without_authentication_has_no_schemes() -> None:
    router = ModuleRouter()
    router.add_api_route("/public", nothing)
    assert "securitySchemes" not in create_document(router).get("components", {})
