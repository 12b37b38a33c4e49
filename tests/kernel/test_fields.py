"""Fields of requests and responses."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import httpx2
import pytest
from pydantic import TypeAdapter, ValidationError

from modules.kernel.api.fields import (
    Identifier,
    OffsetPagination,
    PathText,
    QueryText,
    Timestamp,
    ValueObject,
)
from modules.kernel.api.router import ModuleRouter
from modules.kernel.domain.errors import Invalid
from modules.kernel.domain.text import single_line
from modules.kernel.fakes import NOON
from tests.kernel.error_app import create_client


@dataclass(frozen=True, slots=True)
class Name:
    text: str | None

    def __post_init__(self) -> None:
        if self.text is not None:
            single_line("name", self.text, max_length=5)


NAME: TypeAdapter[Name] = TypeAdapter(Annotated[Name, ValueObject(Name)])
NAME_OR_NULL: TypeAdapter[Name] = TypeAdapter(Annotated[Name, ValueObject(Name, nullable=True)])
TIMESTAMP: TypeAdapter[Any] = TypeAdapter(Timestamp)


def problem(field: TypeAdapter[Name], value: object) -> str:
    with pytest.raises(ValidationError) as raised:
        field.validate_python(value)
    [error] = raised.value.errors()
    return error["msg"]


class TestValueObject:
    def test_string_becomes_value_object(self) -> None:
        assert NAME.validate_python("jake") == Name("jake")

    def test_invalid_value_is_field_error(self) -> None:
        assert problem(NAME, "too long") == "is too long (at most 5 characters)"

    def test_braces_in_problem_are_literal(self) -> None:
        def reject(_text: str) -> None:
            raise Invalid("name", "must not contain {braces}")

        field: TypeAdapter[Any] = TypeAdapter(Annotated[Any, ValueObject(reject)])
        assert problem(field, "x") == "must not contain {braces}"

    def test_null_is_rejected_as_blank(self) -> None:
        assert problem(NAME, None) == "can't be blank"

    def test_null_is_passed_on_where_nullable(self) -> None:
        assert NAME_OR_NULL.validate_python(None) == Name(None)

    @pytest.mark.parametrize("field", [NAME, NAME_OR_NULL])
    @pytest.mark.parametrize("value", [1, 1.5, True, ["jake"], {"name": "jake"}])
    def test_other_types_are_rejected(self, field: TypeAdapter[Name], value: object) -> None:
        assert problem(field, value) == "must be a string"

    def test_json_schema_is_wire_type(self) -> None:
        assert NAME.json_schema() == {"type": "string"}
        assert NAME_OR_NULL.json_schema() == {"type": ["string", "null"]}


class TestTimestamp:
    @pytest.mark.parametrize(
        ("milliseconds", "wire"),
        [(0, "2026-01-31T12:00:00.000Z"), (1, "2026-01-31T12:00:00.001Z"), (120, "2026-01-31T12:00:00.120Z")],
    )
    def test_moment_is_utc_in_milliseconds_with_z(self, milliseconds: int, wire: str) -> None:
        moment = NOON + timedelta(milliseconds=milliseconds)
        assert TIMESTAMP.dump_json(moment) == f'"{wire}"'.encode()

    def test_json_schema_is_date_time(self) -> None:
        assert TIMESTAMP.json_schema() == {"type": "string", "format": "date-time"}


@pytest.fixture
def client() -> httpx2.AsyncClient:
    router = ModuleRouter()

    @router.get("/page")
    async def page(page: OffsetPagination, tag: QueryText = None) -> list[object]:
        return [page.limit, page.offset, tag]

    @router.get("/things/{id}")
    async def thing(id: Identifier) -> int:  # noqa: A002 - its wire name
        return id

    @router.get("/names/{name}")
    async def name(name: PathText) -> str:
        return name

    return create_client(router)


class TestOffsetPagination:
    async def test_default_is_first_twenty(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/page")).json() == [20, 0, None]

    async def test_limit_and_offset_are_parsed(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/page?limit=007&offset=40")).json() == [7, 40, None]

    @pytest.mark.parametrize("number", [str(2**63), "1" + "0" * 20, "9" * 5_000])
    @pytest.mark.parametrize("name", ["limit", "offset"])
    async def test_number_above_64_bits_is_rejected(
        self, client: httpx2.AsyncClient, name: str, number: str
    ) -> None:
        response = await client.get("/page", params={name: number})
        assert (response.status_code, list(response.json()["errors"])) == (422, [name])
        assert number not in response.text

    @pytest.mark.parametrize(
        "number", ["", " 5", "5 ", "+5", "1_000", "1.0", "1e2", "٣", "0x10", "five", "--1"]
    )
    @pytest.mark.parametrize("name", ["limit", "offset"])
    async def test_only_plain_decimals_are_numbers(
        self, client: httpx2.AsyncClient, name: str, number: str
    ) -> None:
        response = await client.get("/page", params={name: number})
        assert response.status_code == 422
        assert response.json() == {"errors": {name: ["must be a plain decimal integer"]}}

    @pytest.mark.parametrize("query", ["limit=0", "limit=-1", "offset=-1", "limit=" + "9" * 5_000])
    async def test_number_out_of_range_is_rejected(self, client: httpx2.AsyncClient, query: str) -> None:
        response = await client.get(f"/page?{query}")
        assert response.status_code == 422
        assert list(response.json()["errors"]) == [query.partition("=")[0]]


class TestIdentifier:
    async def test_id_is_a_plain_decimal(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/things/12")).json() == 12

    @pytest.mark.parametrize("text", ["0", "-1", "1_0", "x", str(2**63)])
    async def test_invalid_id_is_rejected(self, client: httpx2.AsyncClient, text: str) -> None:
        response = await client.get(f"/things/{text}")
        assert response.status_code == 422
        assert list(response.json()["errors"]) == ["id"]


class TestText:
    async def test_unstorable_text_gets_422(self, client: httpx2.AsyncClient) -> None:
        for url, field in [("/names/a%00b", "name"), ("/page?tag=a%00b", "tag")]:
            response = await client.get(url)
            assert response.status_code == 422
            assert response.json() == {"errors": {field: ["must not contain U+0000"]}}

    async def test_other_text_is_passed_unchanged(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/names/%F0%9F%90%89 é")).json() == "🐉 é"
        assert (await client.get("/page?tag=%20x")).json()[2] == " x"

    async def test_empty_query_text_is_none(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/page?tag=")).json()[2] is None
