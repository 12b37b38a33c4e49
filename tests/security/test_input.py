"""Hostile text, numbers and bodies (ASVS 5.0 V1, V2.2; OWASP API4:2023, API8:2023).

The response is always a 4xx with the common error body, and does not contain the input.
"""

import gc
import json
import time
from collections.abc import Iterator
from itertools import product

import httpx2
import pytest

from conduit_app.settings import DEFAULT_MAX_BODY_SIZE
from tests.client import Api, Json
from tests.conformance.official_document import official
from tests.conformance.writes import WRITES, Write

MARK = "PLEASE-ECHO-ME"
JSON = {"Content-Type": "application/json"}
# In bytes, just below the maximum size of a body, and of one that is not mostly text.
LONG_TEXT = DEFAULT_MAX_BODY_SIZE - 10_000
MEGABYTE = 1_040_000
# JSON string contents that cannot be stored.
BAD_TEXTS = (rf"{MARK}\u0000", rf"{MARK}\ud800", rf"{MARK}\udc00\ud800")
BAD_NUMBERS = [
    "-1",
    str(2**63),
    "1" + "0" * 20,
    "1_000",
    "%D9%A1%D9%A2",
    "1e3",
    "1.0",
    "0x10",
    "+1",
    "NaN",
    "%20",
    "",
]
URLS = [
    ("GET", "/articles/{bad}"),
    ("PUT", "/articles/{bad}"),
    ("DELETE", "/articles/{bad}"),
    ("POST", "/articles/{bad}/favorite"),
    ("GET", "/articles/{bad}/comments"),
    ("DELETE", "/articles/{slug}/comments/{bad}"),
    ("GET", "/profiles/{bad}"),
    ("POST", "/profiles/{bad}/follow"),
    ("GET", "/articles?tag={bad}"),
    ("GET", "/articles?author={bad}"),
    ("GET", "/articles?favorited={bad}"),
    ("GET", "/articles?limit={bad}"),
    ("GET", "/articles/feed?offset={bad}"),
]
BAD_URL_TEXTS = ["%00", "%FF", "%C0%80", "%ED%A0%80", "%F8%88%80%80%80"]


@pytest.fixture
async def article(api: Api) -> Json:
    """Return an article by jake."""
    return await api.as_user("jake").publish()


def shaped(write: Write, field: str, text: str) -> object:
    """Return the text, or a list of it if the field is a list."""
    return [text] if isinstance(write.fields[field], list) else text


def assert_rejected(response: httpx2.Response, *statuses: int) -> None:
    assert response.status_code in (statuses or (422,)), response.text
    official().check_error(response)
    assert MARK not in response.text


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_unstorable_text_is_rejected_in_every_field(api: Api, article: Json, write: Write) -> None:
    """PostgreSQL has no U+0000, and UTF-8 no surrogates (RFC 3629, 3)."""
    for field, bad in product(write.fields, BAD_TEXTS):
        content = json.dumps(write.body(**{field: shaped(write, field, "PLACE")})).replace("PLACE", bad)
        response = await write.send_raw(api, content.encode(), article["slug"])
        assert_rejected(response)
        assert list(response.json()["errors"]) == [field]


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Disable the garbage collector, which would look at the objects of all other tests."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.blocks_event_loop("a body of the maximum size is parsed at once; its time is asserted here")
@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_text_that_fills_the_body_is_rejected_quickly(api: Api, article: Json, write: Write) -> None:
    """CWE-400 and CWE-1333: validation takes linear time."""
    for field, repeated in product(write.fields, ("a@", " a", "\u0300")):
        text = MARK + repeated * (LONG_TEXT // len(repeated.encode()))
        content = json.dumps(write.body(**{field: shaped(write, field, text)}), ensure_ascii=False).encode()
        start = time.process_time()
        assert_rejected(await write.send_raw(api, content, article["slug"]))
        assert time.process_time() - start < 0.5


@pytest.mark.blocks_event_loop("a body of the maximum size is parsed at once; its time is asserted here")
@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("item", ["1", '"x"', '""', "[]", "{}"])
async def test_list_that_fills_the_body_is_rejected_quickly(api: Api, article: Json, item: str) -> None:
    """OWASP API4:2023: 524,188 numbers took 7.7 seconds and 645 MB when every item was validated."""
    lists = [(write, field) for write in WRITES for field in write.fields if shaped(write, field, "") == [""]]
    assert len(lists) > 1
    for write, field in lists:
        items = ",".join([item] * (MEGABYTE // (len(item) + 1)))
        content = json.dumps(write.body(**{field: "PLACE"})).replace('"PLACE"', f"[{items}]").encode()
        start = time.process_time()
        response = await write.send_raw(api, content, article["slug"])
        assert time.process_time() - start < 0.5
        assert_rejected(response)
        assert response.json()["errors"] == {field: ["has too many items (at most 100)"]}


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_invalid_json_is_rejected_by_every_operation(api: Api, article: Json, write: Write) -> None:
    """RFC 8259, and RFC 7493 for names that occur twice."""
    whole = json.dumps(write.body()).encode()
    bodies = {
        "empty": b"",
        "white space": b" \n",
        "invalid UTF-8": whole.replace(b"{", b'{"x": "\xff", ', 1),
        "UTF-16": whole.decode().encode("utf-16"),
        "NaN": whole.replace(b"{", b'{"x": NaN, ', 1),
        "infinity": whole.replace(b"{", b'{"x": -Infinity, ', 1),
        "a number of 5,000 digits": whole.replace(b"{", b'{"x": ' + b"1" * 5_000 + b", ", 1),
        "one name twice": whole.replace(b"{", f'{{"{write.key}": {{}}, '.encode(), 1),
        "50,000 deep": b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "two values": whole + whole,
        "a list": b"[" + whole + b"]",
        "a number": b"1e400",
        "null": b"null",
    }
    for body in bodies.values():
        response = await write.send_raw(api, body.replace(b"dragons", MARK.encode()), article["slug"])
        assert_rejected(response)


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_infinite_number_is_rejected_in_text_fields(api: Api, article: Json, write: Write) -> None:
    for field in write.texts:
        content = json.dumps(write.body(**{field: "PLACE"})).replace('"PLACE"', "1e400").encode()
        assert_rejected(await write.send_raw(api, content, article["slug"]))


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_other_content_types_are_rejected(api: Api, article: Json, write: Write) -> None:
    """A form of another site can send text/plain without a preflight (CWE-352)."""
    for kind in ("text/plain", "", ";", "application/x-www-form-urlencoded", "multipart/form-data"):
        response = await api.as_user("jake").request(
            write.method,
            write.path.format(slug=article["slug"]),
            content=json.dumps(write.body()).encode(),
            headers={"Content-Type": kind},
        )
        assert_rejected(response)


async def test_unstorable_text_is_rejected_in_every_url(api: Api, article: Json) -> None:
    """RFC 3986, 2.5."""
    slug = article["slug"]
    for (method, path), bad in product(URLS, BAD_URL_TEXTS):
        body = {"json": {"article": {"title": "Knights"}}} if method == "PUT" else {}
        url = path.format(bad=bad, slug=slug)
        assert_rejected(await api.as_user("jake").request(method, url, **body))


async def test_invalid_numbers_are_rejected(api: Api, article: Json) -> None:
    jake = api.as_user("jake")
    for number in BAD_NUMBERS:
        for path in ("/articles?limit=", "/articles?offset=", "/articles/feed?limit="):
            assert_rejected(await jake.get(f"{path}{number}"))
        comment = await jake.delete(f"/articles/{article['slug']}/comments/{number}")
        assert_rejected(comment, 404, 422)


async def test_huge_offset_is_fast(api: Api, article: Json) -> None:
    for path in ("/articles", "/articles/feed", f"/articles?author={article['author']['username']}"):
        start = time.process_time()
        response = await api.as_user("jake").get(path, params={"offset": "1000000000"})
        assert (response.status_code, response.json()["articles"]) == (200, [])
        assert time.process_time() - start < 0.2


class TestInjection:
    """SQL and LIKE (CWE-89): special characters are plain text."""

    TEXTS = (
        "%",
        "_",
        "dragon%",
        "'",
        "''",
        "' OR 1=1 --",
        '"',
        "\\",
        "); DROP TABLE users_account; --",
        "*",
        "?",
        "[a-z]",
        "$1",
        ":slug",
        "{slug}",
    )

    async def test_filter_matches_literally(self, api: Api) -> None:
        await api.as_user("jake").publish(tags=["dragons"])
        for name, text in product(("tag", "author", "favorited"), self.TEXTS):
            response = await api.get("/articles", params={name: text})
            assert (response.status_code, response.json()["articlesCount"]) == (200, 0)

    async def test_text_is_stored_and_found_unchanged(self, api: Api) -> None:
        jake = api.as_user("jake")
        for text in self.TEXTS:
            article = await jake.publish(text, description=text, body=text, tags=[text])
            assert (article["title"], article["description"], article["body"]) == (text, text, text)
            assert (await api.get("/articles", params={"tag": text})).json()["articlesCount"] == 1
            assert (await jake.comment(article, text))["body"] == text
        assert set((await api.get("/tags")).json()["tags"]) == set(self.TEXTS)


async def test_pathological_title_is_fast(api: Api) -> None:
    """CWE-1333: catastrophic backtracking."""
    jake = api.as_user("jake")
    await jake.token()
    for text in ("a" * 60 + "!", "-" * 250, "a-" * 120, "\u0300" * 250, "(" * 250, "&" * 250, "&#" * 120):
        start = time.process_time()
        await jake.publish(text)
        # Twenty times the usual time, so that a busy machine passes; exponential backtracking never does.
        assert time.process_time() - start < 0.5
