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
from tests.kernel.error_app import client_of


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
    with pytest.raises(ValidationError) as refusal:
        field.validate_python(value)
    [error] = refusal.value.errors()
    return error["msg"]


class TestFromText:
    def test_text_becomes_its_value_object(self) -> None:
        assert NAME.validate_python("jake") == Name("jake")

    def test_the_value_objects_own_rules_are_the_fields(self) -> None:
        assert problem(NAME, "too long") == "is too long (at most 5 characters)"

    def test_words_of_a_rule_are_never_taken_for_a_template(self) -> None:
        def refuse(_text: str) -> None:
            raise Invalid("name", "must not contain {braces}")

        field: TypeAdapter[Any] = TypeAdapter(Annotated[Any, ValueObject(refuse)])
        assert problem(field, "x") == "must not contain {braces}"

    def test_null_is_refused_as_blank(self) -> None:
        assert problem(NAME, None) == "can't be blank"

    def test_null_is_handed_on_where_it_may_be(self) -> None:
        assert NAME_OR_NULL.validate_python(None) == Name(None)

    @pytest.mark.parametrize("field", [NAME, NAME_OR_NULL])
    @pytest.mark.parametrize("value", [1, 1.5, True, ["jake"], {"name": "jake"}])
    def test_nothing_but_a_string_is_taken_for_one(self, field: TypeAdapter[Name], value: object) -> None:
        assert problem(field, value) == "must be a string"

    def test_the_document_says_what_is_on_the_wire(self) -> None:
        assert NAME.json_schema() == {"type": "string"}
        assert NAME_OR_NULL.json_schema() == {"type": ["string", "null"]}


class TestTimestamp:
    @pytest.mark.parametrize(
        ("milliseconds", "wire"),
        [(0, "2026-01-31T12:00:00.000Z"), (1, "2026-01-31T12:00:00.001Z"), (120, "2026-01-31T12:00:00.120Z")],
    )
    def test_a_moment_leaves_in_utc_with_milliseconds_and_a_z(self, milliseconds: int, wire: str) -> None:
        moment = NOON + timedelta(milliseconds=milliseconds)
        assert TIMESTAMP.dump_json(moment) == f'"{wire}"'.encode()

    def test_the_document_says_it_is_a_time(self) -> None:
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

    return client_of(router)


class TestPaging:
    async def test_nothing_asked_is_the_first_twenty(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/page")).json() == [20, 0, None]

    async def test_what_is_asked_is_served(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/page?limit=007&offset=40")).json() == [7, 40, None]

    @pytest.mark.parametrize("limit", ["101", str(2**63 - 1)])
    async def test_a_limit_above_a_hundred_is_served_as_a_hundred(
        self, client: httpx2.AsyncClient, limit: str
    ) -> None:
        assert (await client.get("/page", params={"limit": limit})).json()[0] == 100

    @pytest.mark.parametrize("number", [str(2**63), "1" + "0" * 20, "9" * 5_000])
    @pytest.mark.parametrize("name", ["limit", "offset"])
    async def test_what_no_database_counts_to_is_refused(
        self, client: httpx2.AsyncClient, name: str, number: str
    ) -> None:
        answer = await client.get("/page", params={name: number})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [name])
        assert number not in answer.text

    @pytest.mark.parametrize(
        "number", ["", " 5", "5 ", "+5", "1_000", "1.0", "1e2", "٣", "0x10", "five", "--1"]
    )
    @pytest.mark.parametrize("name", ["limit", "offset"])
    async def test_nothing_but_plain_decimals_is_a_number(
        self, client: httpx2.AsyncClient, name: str, number: str
    ) -> None:
        answer = await client.get("/page", params={name: number})
        assert answer.status_code == 422
        assert answer.json() == {"errors": {name: ["must be a plain decimal integer"]}}

    @pytest.mark.parametrize("query", ["limit=0", "limit=-1", "offset=-1", "limit=" + "9" * 5_000])
    async def test_a_number_out_of_range_is_refused_by_name(
        self, client: httpx2.AsyncClient, query: str
    ) -> None:
        answer = await client.get(f"/page?{query}")
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == [query.partition("=")[0]]


class TestIdentifier:
    async def test_it_is_a_plain_decimal(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/things/12")).json() == 12

    @pytest.mark.parametrize("text", ["0", "-1", "1_0", "x", str(2**63)])
    async def test_what_no_id_can_be_is_refused(self, client: httpx2.AsyncClient, text: str) -> None:
        answer = await client.get(f"/things/{text}")
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["id"]


class TestText:
    async def test_what_a_database_cannot_store_is_not_looked_for(self, client: httpx2.AsyncClient) -> None:
        for url, field in [("/names/a%00b", "name"), ("/page?tag=a%00b", "tag")]:
            answer = await client.get(url)
            assert answer.status_code == 422
            assert answer.json() == {"errors": {field: ["must not contain U+0000"]}}

    async def test_any_other_text_is_taken_as_it_is(self, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/names/%F0%9F%90%89 é")).json() == "🐉 é"
        assert (await client.get("/page?tag=%20x")).json()[2] == " x"
        assert (await client.get("/page?tag=")).json()[2] == ""
